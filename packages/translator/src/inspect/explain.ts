/**
 * What becomes of instructions: their decoding, their IR before and after the passes of a region,
 * and the region's WebAssembly. For people, and for the file tests of lowerings.
 */
import { decodeInto, formatIntel, Instruction } from '@ringfence/decoder';
import { CodeMode } from '@ringfence/memory';
import { FunctionBody } from '@ringfence/wasm';
import type { RegionSource } from '../region/discover.ts';
import type { RegionBlock } from '../region/layout.ts';
import { layOut } from '../region/layout.ts';
import { PromotedRegisters } from '../region/promoted-registers.ts';
import { buildRegion } from '../region/region.ts';
import { blockIr, rawBlockIr } from '../region/region-ir.ts';
import { Suitabilities, Suitability } from '../region/suitability.ts';
import type { Variant } from '../semantics/variant.ts';
import { variantOf } from '../semantics/variant.ts';
import { irText, stateVariables } from './ir-text.ts';
import { moduleText } from './wat.ts';

/**
 * A region explained, each part as text with a line break at its end; empty where there is none.
 */
export interface Explanation {
  /** One instruction a line: offset, bytes, Intel syntax. */
  readonly decoded: string;
  readonly irBefore: string;
  readonly irAfter: string;
  readonly wasm: string;
  /** Why there is no region, if there is none. */
  readonly refusal: string | undefined;
}

/** The most bytes that are explained: one page. */
export const maximumExplained = 4096;

/** Explains code as if it stood at the start of a page and was hot at its first instruction. */
export function explain(code: Uint8Array, bits: 16 | 32 | 64): Explanation {
  const bytes = code.subarray(0, maximumExplained);
  const decoded = decodeAll(bytes, bits);
  const none = { decoded, irBefore: '', irAfter: '', wasm: '' };
  if (bits === 64) return { ...none, refusal: '64-bit code is not translated' };
  const source = explainedSource(bytes, bits);
  const blocks = layOut(source, [0]);
  if (blocks.length === 0) {
    return { ...none, refusal: 'the first instruction is left to the interpreter' };
  }
  const entries = blocks
    .map((block, number) => ({ block: number, offset: block.offset, isEntry: block.isEntry }))
    .filter(({ isEntry }) => isEntry)
    .map((entry) => ({ ...entry, fallback: 1 }));
  return {
    decoded,
    irBefore: irOf(blocks, rawBlockIr),
    irAfter: irOf(blocks, blockIr),
    wasm: moduleText(buildRegion(source, blocks, entries, () => exampleHandler).wasm),
    refusal: undefined,
  };
}

/** Stands for the number of any handler function. */
export const exampleHandler = 2;

/** A region's source in which code stands at the start of a page. */
export interface ExplainedSource extends RegionSource {
  /** The variant of the first instruction, undefined if there is none. */
  readonly first: Variant | undefined;
}

/** Puts code at the start of a page with nothing behind it. */
export function explainedSource(bytes: Uint8Array, bits: 16 | 32): ExplainedSource {
  // A page of NOP with the code at its start and HLT behind it.
  const page = new Uint8Array(8192).fill(0x90);
  page.set(bytes);
  page[bytes.length] = 0xf4;
  const length = bytes.length;
  const view = new DataView(page.buffer);
  const wide = bits === 32 ? CodeMode.code32 | CodeMode.stack32 : 0;
  const onlyPage = {
    page: 1,
    backing: 0,
    block: 1,
    isKnown: (offset: number) => offset <= length,
    isWritten: () => false,
    isApart: () => false,
    isHosted: () => false,
  };
  const codeMode = CodeMode.valid | CodeMode.flat | wide;
  const instruction = new Instruction();
  const isValid = decodeInto(instruction, page, 0, bytes.length, bits) > 0;
  return {
    first: isValid ? variantOf(instruction, codeMode) : undefined,
    bytes: page,
    codeMode,
    bits,
    suitabilities: new Suitabilities(),
    base: 0,
    word: (at) => (at >= 0 && at + 4 <= length ? view.getUint32(at, true) | 0 : undefined),
    page: (index) => (index === 0 ? onlyPage : undefined),
  };
}

function decodeAll(bytes: Uint8Array, bits: 16 | 32 | 64): string {
  const instruction = new Instruction();
  let text = '';
  for (let offset = 0; offset < bytes.length;) {
    const length = decodeInto(instruction, bytes, offset, bytes.length, bits);
    const known = length > 0;
    const end = known ? offset + length : bytes.length;
    const hex = [...bytes.subarray(offset, end)]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(' ');
    const words = known ? formatIntel(instruction, BigInt(offset)) : '(no instruction)';
    text += `${offset.toString(16).padStart(4, '0')}  ${hex.padEnd(24)} ${words}\n`;
    offset = end;
  }
  return text;
}

type BuildIr = (block: RegionBlock, registers: PromotedRegisters) => ReturnType<typeof blockIr>;

function irOf(blocks: readonly RegionBlock[], build: BuildIr): string {
  return blocks
    .map((block) => {
      const registers = new PromotedRegisters(new FunctionBody(['i32', 'i32']));
      const names = stateVariables((address) => registers.find(address));
      const flags = block.instructions.some((each) => each.suitability !== Suitability.full)
        ? ', some of it with registers in memory'
        : '';
      const head = `block ${block.offset.toString(16).padStart(4, '0')}${flags}\n`;
      return head + irText(build(block, registers), names);
    })
    .join('');
}
