/** Lowers regions: from blocks of guest code to a module and the slots of its entries. */
import type { Interpreter, RegionBlock, RegionSource } from '@ringfence/translator';
import { buildRegion } from '@ringfence/translator';
import type { Entry, MadeRegion, Region, RegionPlan } from './region-record.ts';
import { pagesOf, rangesOf } from './region-table.ts';

/** Entries of one region. */
const maximumEntries = 48;

/** Takes slots for a region's entries and lowers it; `number` is that of the region. */
export function makeRegion(
  interpreter: Interpreter,
  source: RegionSource,
  plan: RegionPlan,
  number: number,
): MadeRegion {
  const { blocks, page, starts, instead } = plan;
  const entries = entriesOf(blocks, interpreter);
  const { wasm, pages } = buildRegion(source, blocks, entries, (variant) =>
    interpreter.handlerFunction(variant),
  );
  const region: Region = {
    state: 'compiling',
    blocks,
    number,
    address: page * 4096 + (entries[0]?.offset ?? 0),
    page,
    entries: new Map(entries.map((entry) => [entry.offset, entry])),
    pages: pagesOf(blocks, page, source),
    starts,
    rebuilt: instead === undefined ? 0 : instead.rebuilt + 1,
    wanted: new Map(),
    wishes: 0,
  };
  return {
    region,
    plan,
    ranges: rangesOf(blocks, page, source),
    wasm,
    pages: Object.fromEntries(pages.map((index) => [index, source.page(index)?.block ?? 0])),
  };
}

function entriesOf(blocks: readonly RegionBlock[], interpreter: Interpreter): Entry[] {
  const entries: Entry[] = [];
  blocks.forEach((block, number) => {
    const [first] = block.instructions;
    if (!block.isEntry || first === undefined || entries.length >= maximumEntries) return;
    const variant = first.recordVariant;
    const fallback = interpreter.handlerFunction(variant);
    const slot = interpreter.allocateSlot();
    entries.push({ block: number, offset: block.offset, slot, fallback, variant });
  });
  return entries;
}
