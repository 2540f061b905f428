/**
 * What one basic block becomes: its IR after the passes and the WebAssembly between a region's
 * frame. For the file tests of lowerings (`src/filetests`).
 */
import { FunctionBody } from '@ringfence/wasm';
import { Emitter } from '../backend/emit.ts';
import { interpreterIr } from '../interpreter/handlers.ts';
import { PromotedRegisters } from '../region/promoted-registers.ts';
import { RegionFrame } from '../region/region-frame.ts';
import { RegionTarget } from '../region/region-target.ts';
import { blockIr } from '../region/region-ir.ts';
import { layOut, type RegionBlock } from '../region/layout.ts';
import { transferFunctions } from '../region/transfer.ts';
import { RUNTIME } from '../runtime/index.ts';
import { hostImports } from '../runtime/runtime-function.ts';
import { Suitability } from '../region/suitability.ts';
import type { Variant } from '../semantics/variant.ts';
import { exampleHandler, explainedSource } from './explain.ts';
import { irText, stateVariables } from './ir-text.ts';
import { foldedText } from './wat-fold.ts';

/** The lowering of some code: one part for each basic block. */
export interface Lowering {
  readonly ir: string;
  /** Empty for code that is left to the interpreter. */
  readonly wasm: string;
}

/** Lowers code as if it stood at the start of a page and was hot. */
export function lower(code: Uint8Array, bits: 16 | 32): Lowering {
  const source = explainedSource(code, bits);
  const blocks = layOut(source, [0]).filter(({ offset }) => offset < code.length);
  if (blocks.length === 0 || blocks[0]?.offset !== 0) return interpreted(source.first);
  let ir = '';
  let wasm = '';
  for (const block of blocks) {
    const lowered = lowerBlock(block, blocks);
    const title = blocks.length === 1 ? '' : `block ${block.offset}\n`;
    ir += title + lowered.ir;
    wasm += title + lowered.wasm;
  }
  return { ir, wasm };
}

/** The IR of the interpreter's handler. */
function interpreted(variant: Variant | undefined): Lowering {
  return {
    ir: variant === undefined ? '(no instruction)\n' : irText(interpreterIr(variant)),
    wasm: '',
  };
}

function lowerBlock(block: RegionBlock, blocks: readonly RegionBlock[]): Lowering {
  const body = new FunctionBody(['i32', 'i32']);
  const registers = new PromotedRegisters(body);
  const ir = blockIr(block, registers);
  registers.note(ir);
  const functions: string[] = [];
  const numberOf = (name: string): number => {
    if (!functions.includes(name)) functions.push(name);
    return functions.indexOf(name);
  };
  const frame = new RegionFrame(body, registers, numberOf);
  const target = new RegionTarget(frame, numberOf, {
    blocks,
    page: () => undefined,
    goto: () => {
      body.br(next);
    },
    handler: () => exampleHandler,
  });
  frame.begin();
  body.keepLocals();
  const next = body.block();
  target.beginBlock(block, 0);
  const from = body.code.length;
  const variables = stateVariables((address) => registers.find(address));
  const text = irText(ir, variables);
  new Emitter(target, ir).emit(ir);
  if (block.flow === 'next' || block.flow === 'branch') target.fallThrough(block);
  const locals = new Map([...variables].map(([{ local }, name]) => [local, name]));
  const wasm = foldedText(body.code.toBytes().subarray(from), {
    functionName: (index) => functions[index] ?? '',
    signature: (index) => signatureOf(functions[index] ?? ''),
    localName: (index) => locals.get(index),
  });
  const spilled = block.instructions.some((each) => each.suitability !== Suitability.full);
  return { ir: spilled ? `(registers in memory)\n${text}` : text, wasm };
}

function signatureOf(name: string): { parameters: number; hasResult: boolean } {
  const found = [...RUNTIME, ...hostImports, ...transferFunctions].find(
    (each) => each.name === name,
  );
  return { parameters: found?.parameters.length ?? 0, hasResult: (found?.results.length ?? 0) > 0 };
}
