import { html, svg } from 'lit';
import type { SVGTemplateResult, TemplateResult } from 'lit';

import { historySeconds } from './rate-history.ts';
import type { RateHistory } from './rate-history.ts';

const width = 240;
const height = 24;

/** What counters count, in words; the others are called as the machine calls them. */
const names: Readonly<Record<string, string>> = {
  budget: 'end of a slice',
  fault: 'guest exception',
  halt: 'HLT',
  interrupt: 'interrupt delivered',
  nmi: 'NMI delivered',
  write: 'written by the guest',
  device: 'written by a device',
  remap: 'memory mapped elsewhere',
  rewritten: 'decoded anew',
  evicted: 'no room left',
  flush: 'flushed',
  dropped: 'dropped with its page',
};

/** Shows exits and invalidations by cause: how many, how fast, and the last minute. */
export function exitView(exits: RateHistory, invalidations: RateHistory): TemplateResult {
  return html`
    ${rateTable('Exits from guest code', exits, 'The guest has not run yet.')}
    ${rateTable('Decoded code made invalid', invalidations, 'None so far.')}
  `;
}

function rateTable(title: string, history: RateHistory, nothing: string): TemplateResult {
  const { rows } = history;
  return html`<h3>${title}</h3>
    ${
      rows.length === 0
        ? html`<p class="quiet">${nothing}</p>`
        : html`<table class="rates">
            <thead>
              <tr>
                <th scope="col">Cause</th>
                <th scope="col" class="number">Total</th>
                <th scope="col" class="number">Per second</th>
                <th scope="col">Last minute</th>
              </tr>
            </thead>
            <tbody>
              ${rows.map(
                ([name, total, rates]) =>
                  html`<tr>
                    <th scope="row">${words(name)}</th>
                    <td class="number">${total.toLocaleString('en')}</td>
                    <td class="number">${Math.round(rates.at(-1) ?? 0).toLocaleString('en')}</td>
                    <td class="drawn">${spark(words(name), rates)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }`;
}

/** `writeMsr` becomes `write msr`. */
function words(name: string): string {
  return names[name] ?? name.replace(/[A-Z]+/g, (capitals) => ` ${capitals.toLowerCase()}`);
}

/** Draws rates as an area, the newest at the right, on a scale of its own. */
function spark(name: string, rates: readonly number[]): TemplateResult {
  const most = Math.max(...rates, 1);
  const points = rates.map((rate, index) => {
    const x = width - ((rates.length - 1 - index) * width) / (historySeconds - 1);
    return `${x.toFixed(1)},${(height - 1 - (rate / most) * (height - 3)).toFixed(1)}`;
  });
  const label = `${name}: at most ${String(Math.round(most))} per second`;
  return html`<svg
    class="spark"
    viewBox="0 0 ${width} ${height}"
    preserveAspectRatio="none"
    role="img"
    aria-label=${label}
  >
    <title>${label}</title>
    ${points.length < 2 ? '' : area(points)}
  </svg>`;
}

function area(points: readonly string[]): SVGTemplateResult {
  const first = points[0]?.split(',')[0] ?? '0';
  const last = points.at(-1)?.split(',')[0] ?? '0';
  const base = String(height - 1);
  return svg`<polygon points="${first},${base} ${points.join(' ')} ${last},${base}"></polygon>
    <polyline points=${points.join(' ')}></polyline>`;
}
