import { html } from 'lit';
import type { TemplateResult } from 'lit';
import type { DescriptorTables } from '@ringfence/machine';

import { hex } from './hex.ts';

/** Shows the hidden parts of the segment registers beside what their tables say now. */
export function descriptorView(tables: DescriptorTables | undefined): TemplateResult {
  if (tables === undefined) return html`<p class="quiet">There is no machine yet.</p>`;
  const { segments, descriptors, gdt, idt } = tables;
  return html`<h3>Segment registers</h3>
    <table class="mono">
      <thead>
        <tr>
          <th scope="col">Register</th>
          <th scope="col">Selector</th>
          <th scope="col">Hidden base</th>
          <th scope="col">Hidden limit</th>
          <th scope="col">Attributes</th>
          <th scope="col">Descriptor in its table</th>
          <th scope="col"></th>
        </tr>
      </thead>
      <tbody>
        ${segments.map(
          (row) =>
            html`<tr>
              <th scope="row">${row.register.toUpperCase()}</th>
              <td>${hex(row.selector, 4)}</td>
              <td>${hex(row.base)}</td>
              <td>${hex(row.limit)}</td>
              <td>${hex(row.attributes, 4)}</td>
              <td>${row.descriptor ?? '—'}</td>
              <td class=${row.isSame ? 'quiet' : 'differs'}>
                ${row.descriptor === undefined ? '' : row.isSame ? 'same' : 'changed since'}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
    <h3>Global descriptor table</h3>
    <p class="quiet mono">
      GDT ${hex(gdt.base)} limit ${hex(gdt.limit, 4)}, IDT ${hex(idt.base)} limit
      ${hex(idt.limit, 4)}
    </p>
    <table class="mono">
      <thead>
        <tr>
          <th scope="col">Selector</th>
          <th scope="col">Descriptor</th>
          <th scope="col">Kind</th>
          <th scope="col">Base</th>
          <th scope="col">Limit</th>
          <th scope="col">DPL</th>
        </tr>
      </thead>
      <tbody>
        ${descriptors.map(
          (row) =>
            html`<tr>
              <th scope="row">${hex(row.selector, 4)}</th>
              <td>${row.descriptor}</td>
              <td>${row.kind}</td>
              <td>${hex(row.base)}</td>
              <td>${hex(row.limit)}</td>
              <td>${row.privilege}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}
