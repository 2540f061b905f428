import { html } from 'lit';
import type { TemplateResult } from 'lit';
import { ChevronLeft, ChevronRight } from 'lucide';
import type { PageRow, ShadowEntry } from '@ringfence/machine';

import { icon } from '../element/icon.ts';
import { hex } from './hex.ts';

const pageBytes = 4096;
const end = 2 ** 32;

const meanings: Readonly<Record<ShadowEntry, string>> = {
  unknown: 'not filled: the next access asks the host',
  through: 'allowed through the host: device memory, or a page with a write trace',
  direct: 'allowed by generated code alone',
};

/** Shows pages of linear memory: the guest's entries, and the shadow entries filled from them. */
export function pageView(
  linear: number,
  rows: readonly PageRow[],
  shown: number,
  go: (linear: number) => void,
): TemplateResult {
  const step = shown * pageBytes;
  return html`<form
      class="address"
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        const field = new FormData(event.target as HTMLFormElement).get('address');
        const address = parseInt(typeof field === 'string' ? field.replace(/^0x/i, '') : '', 16);
        if (address >= 0 && address < end) go(address - (address % pageBytes));
      }}
    >
      <label>
        Linear address
        <input name="address" class="mono" size="10" .value=${hex(linear)} spellcheck="false" />
      </label>
      <button type="submit">Show</button>
      <button
        type="button"
        class="square"
        aria-label="Pages before"
        @click=${() => go(Math.max(0, linear - step))}
      >
        ${icon(ChevronLeft)}
      </button>
      <button
        type="button"
        class="square"
        aria-label="Pages after"
        @click=${() => go(Math.min(end - pageBytes, linear + step))}
      >
        ${icon(ChevronRight)}
      </button>
    </form>
    <table class="mono">
      <thead>
        <tr>
          <th scope="col">Linear</th>
          <th scope="col">Guest entries</th>
          <th scope="col">Flags</th>
          <th scope="col">Physical</th>
          <th scope="col">Shadow read</th>
          <th scope="col">Shadow write</th>
          <th scope="col">Trace</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <th scope="row">${hex(row.linear)}</th>
              <td>${row.entries.join(' ') || 'paging off'}</td>
              <td>${row.flags}</td>
              <td>${row.physical === undefined ? '' : hex(row.physical)}</td>
              ${shadow(row.shadowRead)} ${shadow(row.shadowWrite)}
              <td>${row.traced ? 'traced' : ''}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

function shadow(entry: ShadowEntry): TemplateResult {
  return html`<td class="shadow ${entry}" title=${meanings[entry]}>
    ${entry === 'unknown' ? '—' : entry}
  </td>`;
}
