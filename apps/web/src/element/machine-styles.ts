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
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 8px;
    padding: 4px 6px 4px 12px;
    border-bottom: 1px solid var(--rf-line);
    background: var(--rf-accent-quiet);
  }
  .rate {
    min-width: 9ch;
  }
  .body {
    flex: 1;
    min-height: 0;
    display: flex;
  }
  .views {
    flex: 1;
    min-width: 0;
    min-height: 0;
    display: flex;
    flex-direction: column;
    background: var(--rf-sunken);
  }
  rf-inspector {
    width: 46%;
    min-width: 380px;
    border-inline-start: 1px solid var(--rf-line);
  }
  .screen {
    flex: 1;
    min-width: 0;
    min-height: 0;
    display: grid;
    grid-template: minmax(0, 1fr) / minmax(0, 1fr);
    place-items: safe center;
    overflow: auto;
    padding: 8px;
  }
  canvas {
    image-rendering: pixelated;
    background: #000;
  }
  .screen.fit {
    overflow: hidden;
  }
  .screen.fit canvas {
    width: 100%;
    height: 100%;
    object-fit: contain;
    image-rendering: auto;
    background: none;
  }
  .screen.two canvas {
    zoom: 2;
  }
  :host(:fullscreen) {
    border: 0;
    border-radius: 0;
  }
  @media (max-width: 900px) {
    .body {
      flex-direction: column;
    }
    rf-inspector {
      width: 100%;
      height: 50%;
      border-inline-start: 0;
      border-top: 1px solid var(--rf-line);
    }
  }
  [role='tabpanel'] {
    flex: 1;
    min-width: 0;
    min-height: 0;
    display: flex;
  }
  .line {
    flex: 1;
    min-width: 0;
    min-height: 0;
    /* Beside the terminal, not around it: it counts its rows by this element's height. */
    margin: 8px 0 8px 10px;
    overflow: hidden;
  }
`;
