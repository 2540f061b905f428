/** Which addresses of x87 and SSE images are aligned where alignment is checked, as on an EPYC. */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu } from './test-cpu.ts';

const codeAddress = 0x4000;
const image = 0x8000;
const gates = 0x1000;
const table = 0x2000;
const taskState = 0x3000;
const handlers = 0x5000;
const generalProtection = 13;
const alignmentCheck = 17;

/** Runs code at CPL 3 with EBX at the image; the vector of its fault and its EIP, from the code. */
function run(text: string, offset: number): readonly [vector: number, at: number] {
  const { cpu, machine, physical } = makeCpu(1 << 20);
  for (let vector = 0; vector < 32; vector += 1) {
    physical.write32(gates + 8 * vector, (0x08 << 16) | (handlers + vector));
    physical.write32(gates + 8 * vector + 4, 0xee00);
    physical.write(handlers + vector, Uint8Array.of(0xf4));
  }
  const descriptors = [0, 0, 0xffff, 0x00cf_9b00, 0xffff, 0x00cf_9300];
  physical.write(table, new Uint8Array(Int32Array.from(descriptors).buffer));
  physical.write32(taskState + 4, 0xf000);
  physical.write32(taskState + 8, 0x10);
  physical.write(codeAddress, assembleText(`bits 32\n${text}\nint3`, { origin: codeAddress }));
  const state = flatState(codeAddress, 0xe000);
  const data = { selector: 0x23, base: 0, limit: 0xffff_ffff, attributes: 0xc0f3 };
  cpu.start({
    ...state,
    gpr: [0, 0, 0, image + offset, 0xe000, 0, 0, 0],
    eflags: 0x4_0002,
    cr0: 0x4_0031,
    cs: { ...data, selector: 0x1b, attributes: 0xc0fb },
    ...{ ds: data, es: data, ss: data, fs: data, gs: data },
    gdtr: { base: table, limit: 0x17 },
    idtr: { base: gates, limit: 0xff },
    tr: { selector: 0x28, base: taskState, limit: 0x67, attributes: 0x8b },
  });
  machine.i32[Word.cpl] = 3;
  cpu.shadow.setPrivilege(true, false);
  cpu.segmentation.updateMode();
  for (let runs = 0; runs < 20 && cpu.run(20) !== 'halt'; runs += 1);
  const vector = ((machine.i32[Word.rip] ?? 0) - 1) & 31;
  const hasError = vector === generalProtection || vector === alignmentCheck;
  const frame = (machine.i32[Word.gpr + 8] ?? 0) + (hasError ? 4 : 0);
  return [vector, physical.read32(frame) - codeAddress];
}

const breakpoint = 3;
const offsets = Array.from({ length: 16 }, (_, offset) => offset);
const every = (bytes: number): number[] =>
  offsets.map((offset) => (offset % bytes === 0 ? breakpoint : alignmentCheck));

describe('with CR0.AM and EFLAGS.AC at CPL 3', () => {
  it.each(['fnsave [ebx]', 'fninit\n frstor [ebx]'])('%s needs words of 32 bits', (text) => {
    expect(offsets.map((offset) => run(text, offset)[0])).toEqual(every(4));
  });

  it.each([
    ['fnsave', 'db 0x66, 0xdd, 0x33'],
    ['frstor', 'db 0x66, 0xdd, 0x23'],
  ])('%s with 16-bit operands needs words of 16 bits', (_name, text) => {
    expect(offsets.map((offset) => run(text, offset)[0])).toEqual(every(2));
  });

  it.each(['fxsave [ebx]', 'fxrstor [ebx]'])(
    '%s on a border of 4 bytes has #GP, on no such border #AC',
    (text) => {
      const expected = offsets.map((offset) => {
        if (offset === 0) return breakpoint;
        return offset % 4 === 0 ? generalProtection : alignmentCheck;
      });
      expect(offsets.map((offset) => run(text, offset)[0])).toEqual(expected);
    },
  );

  it('accesses behind FNSAVE and FRSTOR are checked as before', () => {
    for (const text of ['fnsave [ebx]', 'fninit\n frstor [ebx]']) {
      const length = text.startsWith('fnsave') ? 2 : 4;
      expect(run(`${text}\n mov eax, [ebx + 1]`, 4)).toEqual([alignmentCheck, length]);
    }
  });
});
