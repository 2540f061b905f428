import type { Encoded } from './encode.ts';
import { AssemblerError } from './error.ts';
import type { Expression } from './expression.ts';
import { fieldValue, storeField } from './fixup.ts';
import type { Fixup } from './fixup.ts';

/*
 * Branch lengths depend on addresses and addresses on branch lengths. Every instruction starts
 * with its shortest encoding; a pass computes all addresses and moves each instruction whose values
 * do not fit to its next longer encoding. Encodings only ever get longer, so the passes end.
 */

/** A piece of a program in the order of its addresses. */
export type Item =
  | {
      readonly kind: 'code';
      readonly choices: readonly Encoded[];
      readonly text: string;
      readonly where: string;
    }
  | {
      readonly kind: 'data';
      readonly bytes: Uint8Array;
      readonly fixups: readonly Fixup[];
      readonly where: string;
    }
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'align'; readonly boundary: bigint; readonly value: number }
  | {
      readonly kind: 'fill-to';
      readonly address: bigint;
      readonly value: number;
      readonly where: string;
    };

/** A laid-out program. */
export interface Layout {
  readonly bytes: Uint8Array;
  readonly addresses: ReadonlyMap<string, bigint>;
}

/** Chooses encodings, computes addresses and writes the bytes. */
export function layOut(
  items: readonly Item[],
  origin: bigint,
  constants: ReadonlyMap<string, Expression>,
): Layout {
  const choice = new Array<number>(items.length).fill(0);
  for (;;) {
    const { starts, end, addresses } = place(items, origin, choice);
    const resolve = resolver(addresses, constants);
    if (lengthen(items, choice, starts, resolve)) continue;
    const bytes = write(items, choice, starts, Number(end - origin), origin, resolve);
    for (const name of constants.keys()) addresses.set(name, resolve(name));
    return { bytes, addresses };
  }
}

interface Places {
  readonly starts: readonly bigint[];
  readonly end: bigint;
  readonly addresses: Map<string, bigint>;
}

function place(items: readonly Item[], origin: bigint, choice: readonly number[]): Places {
  const addresses = new Map<string, bigint>();
  const starts: bigint[] = [];
  let address = origin;
  items.forEach((item, index) => {
    starts.push(address);
    if (item.kind === 'label') addresses.set(item.name, address);
    address += lengthOf(item, choice[index] ?? 0, address);
  });
  return { starts, end: address, addresses };
}

function lengthOf(item: Item, choice: number, address: bigint): bigint {
  switch (item.kind) {
    case 'code':
      return BigInt(item.choices[choice]?.bytes.length ?? 0);
    case 'data':
      return BigInt(item.bytes.length);
    case 'label':
      return 0n;
    case 'align':
      return (item.boundary - (address % item.boundary)) % item.boundary;
    case 'fill-to':
      return item.address > address ? item.address - address : 0n;
  }
}

function resolver(
  addresses: ReadonlyMap<string, bigint>,
  constants: ReadonlyMap<string, Expression>,
): (name: string) => bigint {
  const active = new Set<string>();
  const resolve = (name: string): bigint => {
    const address = addresses.get(name);
    if (address !== undefined) return address;
    const constant = constants.get(name);
    if (constant === undefined) throw new AssemblerError('unknown-label', name, 'unknown label');
    if (active.has(name)) {
      throw new AssemblerError('unknown-label', name, 'constant is defined by itself');
    }
    active.add(name);
    const value = constant.evaluate(resolve);
    active.delete(name);
    return value;
  };
  return resolve;
}

/** Moves instructions that do not fit to longer encodings; says whether there was one. */
function lengthen(
  items: readonly Item[],
  choice: number[],
  starts: readonly bigint[],
  resolve: (name: string) => bigint,
): boolean {
  let changed = false;
  items.forEach((item, index) => {
    if (item.kind !== 'code') return;
    const start = starts[index] ?? 0n;
    for (;;) {
      const now = choice[index] ?? 0;
      const encoded = item.choices[now];
      if (encoded === undefined || encoded.fixups.length === 0) return;
      const end = start + BigInt(encoded.bytes.length);
      const fits = encoded.fixups.every(
        (fixup) => located(item.where, () => valueOf(fixup, end, resolve)) !== undefined,
      );
      if (fits) return;
      if (now + 1 >= item.choices.length) {
        const reason = 'value of a label does not fit any encoding';
        throw new AssemblerError('value-out-of-range', item.text, reason, item.where);
      }
      choice[index] = now + 1;
      changed = true;
    }
  });
  return changed;
}

function valueOf(fixup: Fixup, end: bigint, resolve: (name: string) => bigint): bigint | undefined {
  const value = fixup.expression.evaluate(resolve);
  const distance = fixup.range === 'relative' ? value - end : value;
  return fieldValue(distance, fixup.size, fixup.range, fixup.width);
}

function write(
  items: readonly Item[],
  choice: readonly number[],
  starts: readonly bigint[],
  length: number,
  origin: bigint,
  resolve: (name: string) => bigint,
): Uint8Array {
  const out = new Uint8Array(length);
  items.forEach((item, index) => {
    const start = starts[index] ?? 0n;
    const at = Number(start - origin);
    if (item.kind === 'label') return;
    if (item.kind === 'align' || item.kind === 'fill-to') {
      if (item.kind === 'fill-to' && start > item.address) {
        const what = `0x${item.address.toString(16)}`;
        const reason = `address is behind the current one, 0x${start.toString(16)}`;
        throw new AssemblerError('value-out-of-range', what, reason, item.where);
      }
      out.fill(item.value, at, at + Number(lengthOf(item, 0, start)));
      return;
    }
    const { bytes, fixups } =
      item.kind === 'data' ? item : (item.choices[choice[index] ?? 0] ?? NONE);
    out.set(bytes, at);
    const end = start + BigInt(bytes.length);
    for (const fixup of fixups) {
      const value = located(item.where, () => valueOf(fixup, end, resolve));
      if (value === undefined) {
        const reason = `value does not fit ${fixup.size * 8} bits`;
        const what = fixup.expression.toString();
        throw new AssemblerError('value-out-of-range', what, reason, item.where);
      }
      storeField(out, at + fixup.at, fixup.size, value);
    }
  });
  return out;
}

const NONE: Encoded = { bytes: [], fixups: [] };

function located<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof AssemblerError && error.where === '' ? error.at(where) : error;
  }
}
