import { Assembler } from '@ringfence/assembler';

import type { Machine } from './api.ts';
import type { TestHost } from './test-host.ts';

/**
 * Assembles a multiboot kernel that is loaded at 1 MiB and begins with `text`; 64 KiB of zeros
 * follow.
 */
export function flatKernel(text: string): Uint8Array {
  const magic = 0x1bad_b002;
  const flags = 0x1_0000;
  const assembler = new Assembler({ bits: 32, origin: 0x10_0000 });
  assembler.text(`
header: dd ${magic}, ${flags}, ${-(magic + flags) >>> 0}
        dd header, header, program_end, program_end + 0x10000, start
start:  ${text}
`);
  assembler.label('program_end');
  return assembler.assemble();
}

/** Lets a machine run on a test's host until it matches; fails after `turns` slices. */
export async function runUntil(
  machine: Machine,
  host: TestHost,
  pattern: RegExp,
  turns: number = 5000,
): Promise<string> {
  let output: string | undefined;
  let failure: unknown;
  machine.serial[0]?.expect(pattern).then(
    (match) => (output = match.input.slice(0, match.index + match[0].length)),
    (reason: unknown) => (failure = reason),
  );
  void machine.start();
  for (let turn = 0; turn < turns; turn += 1) {
    await Promise.resolve();
    if (output !== undefined) {
      return output;
    }
    if (failure !== undefined || !host.turn()) {
      break;
    }
  }
  await Promise.resolve();
  throw failure instanceof Error ? failure : new Error(`no output matches ${String(pattern)}`);
}

/** Lets a machine run on a test's host until it stands in a state; fails after `turns` slices. */
export function runToState(
  machine: Machine,
  host: TestHost,
  state: Machine['state'],
  turns: number = 5000,
): void {
  void machine.start();
  for (let turn = 0; turn < turns && machine.state !== state; turn += 1) {
    host.turn();
  }
  if (machine.state !== state) {
    throw new Error(`expected the machine to be ${state}, found it ${machine.state}`);
  }
}
