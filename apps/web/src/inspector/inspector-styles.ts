import { css } from 'lit';
import type { CSSResult } from 'lit';

/** How the inspector's tables and texts look. */
export const inspectorStyles: CSSResult = css`
  :host {
    display: flex;
    min-height: 0;
    background: var(--rf-background);
  }
  section {
    min-width: 0;
  }
  :host > section {
    flex: 1;
    display: flex;
    flex-direction: column;
    min-height: 0;
  }
  .tabs {
    display: flex;
    gap: 2px;
    padding: 6px 10px;
    border-bottom: 1px solid var(--rf-line);
  }
  .tabs [aria-selected='true'] {
    background: var(--rf-accent-quiet);
    color: var(--rf-accent);
  }
  #panel {
    flex: 1;
    min-height: 0;
    overflow: auto;
    padding: 4px 16px 16px;
  }
  h3,
  caption {
    margin: 14px 0 6px;
    font-size: 13px;
    font-weight: 600;
    text-align: start;
  }
  table {
    border-collapse: collapse;
    font-size: 12.5px;
  }
  table.mono {
    font-size: 12px;
  }
  table.rates {
    width: 100%;
  }
  th,
  td {
    padding: 3px 14px 3px 0;
    border-bottom: 1px solid var(--rf-line);
    text-align: start;
    font-weight: 400;
    white-space: nowrap;
  }
  thead th {
    position: sticky;
    top: -4px;
    background: var(--rf-background);
    color: var(--rf-quiet);
    font-family: var(--rf-font);
    font-size: 12px;
  }
  .number {
    text-align: end;
    font-variant-numeric: tabular-nums;
  }
  .drawn {
    width: 50%;
    padding-inline-end: 0;
  }
  .spark {
    display: block;
    width: 100%;
    height: 24px;
  }
  .spark polyline {
    fill: none;
    stroke: var(--rf-accent);
    stroke-width: 1.5;
    vector-effect: non-scaling-stroke;
  }
  .spark polygon {
    fill: var(--rf-accent-quiet);
  }
  .code {
    display: grid;
    gap: 8px;
  }
  .regions {
    max-height: 220px;
    overflow: auto;
    padding-inline-end: 8px;
  }
  .regions table {
    width: 100%;
  }
  .regions thead th {
    top: 0;
  }
  tr.chosen td {
    background: var(--rf-accent-quiet);
  }
  button.link {
    height: 22px;
    padding: 0 4px;
    color: var(--rf-accent);
  }
  .texts {
    display: grid;
    grid-template-columns: repeat(3, minmax(200px, 1fr));
    gap: 12px;
    overflow-x: auto;
  }
  pre {
    margin: 0;
    padding: 8px 10px;
    max-height: 60vh;
    overflow: auto;
    border: 1px solid var(--rf-line);
    border-radius: var(--rf-radius);
    background: var(--rf-sunken);
    font: 12px/1.5 var(--rf-mono);
  }
  .address {
    position: sticky;
    left: 0;
    display: flex;
    align-items: center;
    gap: 6px;
    margin: 10px 0;
  }
  .address label {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .shadow.direct {
    color: var(--rf-good);
  }
  .shadow.through {
    color: var(--rf-accent);
  }
  .shadow.unknown {
    color: var(--rf-quiet);
  }
  .differs {
    color: var(--rf-bad);
  }
`;
