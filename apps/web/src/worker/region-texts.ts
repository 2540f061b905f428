import type { Inspector } from '@ringfence/machine';

import type { RegionTexts } from './messages.ts';

/** Returns a region in three languages; nothing if it was dropped meanwhile. */
export function regionTexts(inspector: Inspector, id: number): RegionTexts | null {
  const details = inspector.region(id);
  if (details === undefined) return null;
  const guest = details.guest
    .map(({ address, text }) => `${address.toString(16).padStart(8, '0')}  ${text}`)
    .join('\n');
  const { ir, wasm } = details;
  return { guest, ir, wasm };
}
