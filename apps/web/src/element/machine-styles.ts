import { css } from 'lit';
import type { CSSResult } from 'lit';

/** How the parts of `<ringfence-machine>` stand. */
export const machineStyles: CSSResult = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 320px;
    border: 1px solid var(--rf-line);
    border-radius: calc(var(--rf-radius) + 2px);
    background: var(--rf-background);
    overflow: hidden;
  }
  .toolbar {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px;
    padding: 6px;
    border-bottom: 1px solid var(--rf-line);
    background: var(--rf-raised);
  }
  .tabs {
    display: flex;
    gap: 2px;
    margin-inline: 8px;
    padding-inline: 8px;
    border-inline: 1px solid var(--rf-line);
  }
  [role='tab'][aria-selected='true'] {
    background: var(--rf-accent-quiet);
    color: var(--rf-accent);
  }
  .status {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    margin-inline-start: auto;
    padding-inline: 8px;
    font-variant-numeric: tabular-nums;
  }
  .dot {
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--rf-quiet);
  }
  .dot.running {
    background: var(--rf-good);
  }
  .dot.halted,
  .dot.ended {
    background: var(--rf-bad);
  }
  .notice {
    padding: 8px 12px;
    border-bottom: 1px solid var(--rf-line);
    background: var(--rf-accent-quiet);
  }
  .views {
    position: relative;
    flex: 1;
    min-height: 0;
    display: flex;
    background: var(--rf-sunken);
  }
  [role='tabpanel'] {
    flex: 1;
    min-width: 0;
    min-height: 0;
    display: flex;
  }
  .terminal {
    flex: 1;
    min-width: 0;
    min-height: 0;
    padding: 8px 0 8px 10px;
  }
`;
