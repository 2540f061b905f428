import { css } from 'lit';
import type { CSSResult } from 'lit';

/**
 * Colours, sizes and the controls that all parts share; a page can set the variables to its own.
 *
 * `color-scheme` of the page chooses between light and dark.
 */
export const theme: CSSResult = css`
  :host {
    --rf-background: light-dark(#ffffff, #15181c);
    --rf-raised: light-dark(#f5f6f8, #1d2126);
    --rf-sunken: light-dark(#fbfbfc, #101215);
    --rf-line: light-dark(#d9dde3, #31373f);
    --rf-text: light-dark(#1b1f24, #e4e7eb);
    --rf-quiet: light-dark(#596270, #98a2af);
    --rf-accent: light-dark(#0b6bcb, #66b2ff);
    --rf-accent-quiet: light-dark(#e3effb, #1d324a);
    --rf-good: light-dark(#1a7f45, #56c784);
    --rf-bad: light-dark(#b3261e, #ff8a80);
    --rf-radius: 6px;
    --rf-font:
      system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif;
    --rf-mono:
      ui-monospace, 'Cascadia Mono', 'JetBrains Mono', 'DejaVu Sans Mono', 'Liberation Mono',
      monospace;
    box-sizing: border-box;
    color: var(--rf-text);
    font: 14px/1.45 var(--rf-font);
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  [hidden] {
    display: none !important;
  }
  .icon {
    width: 16px;
    height: 16px;
    flex: none;
  }
  button,
  .button {
    appearance: none;
    display: inline-flex;
    align-items: center;
    gap: 6px;
    height: 32px;
    padding: 0 10px;
    border: 1px solid transparent;
    border-radius: var(--rf-radius);
    background: transparent;
    color: inherit;
    font: inherit;
    white-space: nowrap;
    cursor: pointer;
  }
  button:hover:not(:disabled) {
    background: light-dark(#e9ecf0, #2a3038);
  }
  button:disabled {
    opacity: 0.45;
    cursor: default;
  }
  button[aria-pressed='true'] {
    background: var(--rf-accent-quiet);
    color: var(--rf-accent);
  }
  button.primary {
    background: var(--rf-accent);
    color: light-dark(#ffffff, #0d1a29);
    font-weight: 600;
  }
  button.primary:hover:not(:disabled) {
    background: light-dark(#0a5cae, #8cc5ff);
  }
  button.square {
    width: 32px;
    padding: 0;
    justify-content: center;
  }
  :focus-visible {
    outline: 2px solid var(--rf-accent);
    outline-offset: 1px;
  }
  select,
  input:not([type='checkbox']) {
    height: 32px;
    padding: 0 8px;
    border: 1px solid var(--rf-line);
    border-radius: var(--rf-radius);
    background: var(--rf-background);
    color: inherit;
    font: inherit;
  }
  .quiet {
    color: var(--rf-quiet);
  }
  .mono {
    font-family: var(--rf-mono);
    font-size: 12px;
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      transition: none !important;
    }
  }
`;
