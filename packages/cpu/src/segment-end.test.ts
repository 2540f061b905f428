/** Accesses to the last bytes of 4 GiB segments that are not flat (SDM 3A 5.3). */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu } from './test-cpu.ts';

const code = 0x1000;
const readOnly = 0xc091;
const writable = 0xc093;

/** Whether an instruction in a segment of base 0x2001 is done; its last byte is at 0x2000. */
function isDone(instruction: string, attributes: number): boolean {
  const { cpu, physical, machine } = makeCpu(1 << 20);
  physical.write(code, assembleText(`${instruction}\nhlt`, { bits: 32, origin: code }));
  const segment = { selector: 0x20, base: 0x2001, limit: 0xffff_ffff, attributes };
  cpu.start({ ...flatState(code, 0x8000), ds: segment });
  machine.i32[Word.gpr] = 0x55;
  machine.i32[Word.gpr + 2] = 1;
  const end = cpu.run(1000);
  // Without an interrupt table a fault is a triple fault.
  expect(['halt', 'tripleFault']).toContain(end);
  return end === 'halt';
}

describe('the last byte of a segment of 4 GiB', () => {
  const writes = [
    'mov [0xffffffff], al',
    'mov byte [0xffffffff], 5',
    'add [0xffffffff], al',
    'xchg [0xffffffff], al',
    'setz byte [0xffffffff]',
    'shl byte [0xffffffff], 1',
    'cmpxchg [0xffffffff], cl',
  ];
  it.each(writes)('is written where the segment is writable: %s', (text) => {
    expect(isDone(text, writable)).toBe(true);
  });
  it.each(writes)('is not written where it is read-only: %s', (text) => {
    expect(isDone(text, readOnly)).toBe(false);
  });
  it('is read from either', () => {
    expect(isDone('mov al, [0xffffffff]', readOnly)).toBe(true);
    expect(isDone('mov al, [0xffffffff]', writable)).toBe(true);
    expect(isDone('mov ax, [0xffffffff]', readOnly)).toBe(false);
  });
});
