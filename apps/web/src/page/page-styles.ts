import { css } from 'lit';
import type { CSSResult } from 'lit';

/** How the page around the machine looks. */
export const pageStyles: CSSResult = css`
  :host {
    position: relative;
    display: flex;
    flex-direction: column;
    gap: 10px;
    height: 100%;
    padding: 10px 12px 12px;
  }
  header {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
    padding-inline: 2px;
  }
  h1 {
    display: flex;
    align-items: center;
    gap: 8px;
    margin: 0 12px 0 0;
    font-size: 16px;
    font-weight: 650;
  }
  .logo {
    width: 22px;
    height: 22px;
    fill: none;
    stroke: var(--rf-accent);
    stroke-width: 3;
    stroke-linecap: round;
  }
  .machine {
    flex: 1;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px;
    min-width: 0;
  }
  .part {
    max-width: 260px;
    padding: 3px 10px;
    border: 1px solid var(--rf-line);
    border-radius: 999px;
    background: var(--rf-background);
    font-size: 13px;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  label {
    display: inline-flex;
    align-items: center;
    gap: 8px;
  }
  ringfence-machine {
    flex: 1;
    min-height: 0;
  }
  .drop {
    position: absolute;
    inset: 0;
    z-index: 50;
    display: grid;
    place-items: center;
    padding: 24px;
    background: light-dark(rgb(255 255 255 / 80%), rgb(11 13 15 / 80%));
    pointer-events: none;
  }
  .drop div {
    padding: 28px 40px;
    border: 2px dashed var(--rf-accent);
    border-radius: 12px;
    background: var(--rf-background);
    font-size: 16px;
  }
`;
