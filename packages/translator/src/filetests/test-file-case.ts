/**
 * File tests of lowerings: assembly in, IR and WebAssembly out, expected beside the input.
 *
 *     ; what the case shows
 *     bits 32
 *     add eax, ecx
 *     ---- IR
 *     ...
 *     ---- WebAssembly
 *     ...
 *
 * A file holds one case or more, with a line `====` between them.
 */
import { assembleText } from '@ringfence/assembler';
import { lower } from '../inspect/lowering.ts';

/** A case: its input, and what stands behind that. */
export interface FileCase {
  readonly input: string;
  readonly expected: string;
}

const between = '====\n';
const irTitle = '---- IR\n';
const wasmTitle = '---- WebAssembly\n';

/** Splits a file to its cases. */
export function readCases(text: string): FileCase[] {
  return text.split(between).map((part) => {
    const at = part.indexOf(irTitle);
    return at < 0
      ? { input: part, expected: '' }
      : { input: part.slice(0, at), expected: part.slice(at) };
  });
}

/** What a case's input becomes. */
export function outputOf(input: string): string {
  const bits = /^bits 16$/m.test(input) ? 16 : 32;
  const { ir, wasm } = lower(assembleText(input, { bits }), bits);
  const rest = wasm === '' ? '(left to the interpreter)\n' : wasm;
  return `${irTitle}${ir}${wasmTitle}${rest}`;
}

/** The file of some cases as it ought to be. */
export function fileOf(inputs: readonly string[]): string {
  return inputs.map((input) => input + outputOf(input)).join(between);
}
