import { html } from 'lit';
import type { TemplateResult } from 'lit';
import type { RegionSummary } from '@ringfence/machine';

import type { RegionTexts } from '../worker/messages.ts';
import { hex } from './hex.ts';

/** Shows translated regions, and one of them as guest code, IR and WebAssembly. */
export function codeView(
  regions: readonly RegionSummary[],
  chosen: number,
  texts: RegionTexts | null,
  choose: (id: number) => void,
): TemplateResult {
  if (regions.length === 0) {
    return html`<p class="quiet">No code has been hot enough to be translated yet.</p>`;
  }
  const samples = regions.reduce((sum, region) => sum + region.samples, 0);
  return html`<div class="code">
    <div class="regions">
      <table>
        <caption>
          Hot regions
        </caption>
        <thead>
          <tr>
            <th scope="col">Address</th>
            <th scope="col" class="number">Share</th>
            <th scope="col" class="number">Guest</th>
            <th scope="col" class="number">Wasm</th>
          </tr>
        </thead>
        <tbody>
          ${regions.map((region) => {
            const share = (100 * region.samples) / Math.max(1, samples);
            const bytes = region.ranges.reduce((sum, [first, end]) => sum + end - first, 0);
            return html`<tr class=${region.id === chosen ? 'chosen' : ''}>
              <td>
                <button
                  class="link mono"
                  aria-pressed=${region.id === chosen}
                  @click=${() => choose(region.id)}
                >
                  ${hex(region.address)}
                </button>
              </td>
              <td class="number">${share.toFixed(1)} %</td>
              <td class="number">${bytes} B</td>
              <td class="number">${region.wasmBytes} B</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    ${
      texts === null
        ? html`<p class="quiet">This region is not there any more.</p>`
        : html`<div class="texts">
            ${text('Guest code', texts.guest)} ${text('IR', texts.ir)}
            ${text('WebAssembly', texts.wasm)}
          </div>`
    }
  </div>`;
}

function text(title: string, body: string): TemplateResult {
  return html`<section aria-label=${title}>
    <h3>${title}</h3>
    <pre tabindex="0">${body}</pre>
  </section>`;
}
