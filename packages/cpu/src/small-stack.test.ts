/**
 * What a 32-bit process with segments of its own showed on an AMD EPYC: ENTER on a 16-bit stack,
 * which operand of CMPS faults first, what POPA reads.
 */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const stackBase = 0x2_0000;
const gates = 0x2000;
const table = 0x3000;
const handlers = 0x1800;
const [esp, ebp, esi, edi] = [8, 10, 12, 14].map((offset) => Word.gpr + offset) as [
  number,
  number,
  number,
  number,
];

/** Runs to HLT; much work of the host, as decoding, makes `run` return early. */
function runToHalt({ cpu }: TestCpu): void {
  let end = cpu.run(1000);
  for (let again = 0; end === 'budget' && again < 20; again++) end = cpu.run(1000);
  expect(end).toBe('halt');
}

describe('ENTER with 32-bit operands on a 16-bit stack', () => {
  const start = (text: string, pointer: number): TestCpu => {
    const parts = makeCpu(1 << 20);
    const { cpu, physical, machine } = parts;
    physical.write(code, assembleText(`${text}\nhlt`, { bits: 32, origin: code }));
    const ss = { selector: 0x20, base: stackBase, limit: 0xffff, attributes: 0x93 };
    cpu.start({ ...flatState(code, pointer), ss });
    machine.i32[ebp] = 0x0900;
    runToHalt(parts);
    return parts;
  };

  it('leaves the upper half of ESP in EBP', () => {
    const { machine } = start('enter 0x10, 0', 0x1234_0000);
    expect((machine.i32[ebp] ?? 0).toString(16)).toBe('1234fffc');
    expect((machine.i32[esp] ?? 0).toString(16)).toBe('1234ffec');
  });

  it('pushes it with the frame pointer of a nested frame', () => {
    const { machine, physical } = start('enter 0x10, 1', 0x1_0804);
    expect((machine.i32[ebp] ?? 0).toString(16)).toBe('10800');
    expect(physical.read32(stackBase + 0x7fc).toString(16)).toBe('10800');
  });
});

describe('CMPS', () => {
  const stackFault = 12;
  const generalProtection = 13;

  /** The vector that comes of offsets in SS (source) and ES, both with a limit of 0xfff. */
  function vector(source: number, destination: number): number {
    const parts = makeCpu(1 << 20);
    const { cpu, physical, machine } = parts;
    const text = 'ss cmpsd\nhlt';
    physical.write(code, assembleText(text, { bits: 32, origin: code }));
    for (const number of [stackFault, generalProtection]) {
      const handler = handlers + number * 16;
      const stack = 'mov ax, 0x18\nmov ss, ax\n';
      physical.write(handler, assembleText(`${stack}hlt`, { bits: 32, origin: handler }));
      physical.write32(gates + 8 * number, (0x10 << 16) | handler);
      physical.write32(gates + 8 * number + 4, 0x8e00);
    }
    physical.write32(table + 0x10, 0xffff);
    physical.write32(table + 0x14, 0x00cf_9b00);
    physical.write32(table + 0x18, 0xffff);
    physical.write32(table + 0x1c, 0x00cf_9300);
    const small = { selector: 0x18, base: stackBase, limit: 0xfff, attributes: 0x4093 };
    cpu.start({
      ...flatState(code, 0x800),
      ss: small,
      es: small,
      gdtr: { base: table, limit: 0x1f },
      idtr: { base: gates, limit: 0x7ff },
    });
    machine.i32[esi] = source;
    machine.i32[edi] = destination;
    runToHalt(parts);
    const at = (machine.i32[Word.rip] ?? 0) - handlers;
    return at < 0 ? 0 : at >> 4;
  }

  it('reads its source before its destination', () => {
    expect(vector(0x10, 0x20)).toBe(0);
    expect(vector(0x8000, 0x20)).toBe(stackFault);
    expect(vector(0x10, 0x8000)).toBe(generalProtection);
    expect(vector(0x8000, 0x8000)).toBe(stackFault);
  });
});

describe('POPA', () => {
  const directory = 0x4000;
  const pages = 0x5000;
  const missing = 0x9000;

  /** CR2 of the page fault that a POPA from an offset before the missing page comes to. */
  function faultAddress(program: string, before: number): number {
    const parts = makeCpu(1 << 20);
    const { cpu, physical, machine } = parts;
    const text = `
        mov eax, ${directory}
        mov cr3, eax
        mov eax, 0x80000011
        mov cr0, eax
        mov esp, ${missing - before}
        ${program}
        hlt`;
    physical.write(code, assembleText(text, { bits: 32, origin: code }));
    physical.write32(directory, pages | 7);
    for (let page = 0; page < 16; page++) {
      physical.write32(pages + 4 * page, page << 12 === missing ? 0 : (page << 12) | 7);
    }
    physical.write(handlers, Uint8Array.of(0xf4));
    writeTables(physical, { gates, table }, [[14, handlers]]);
    cpu.start({
      ...flatState(code, 0x8000),
      gdtr: { base: table, limit: 0x1f },
      idtr: { base: gates, limit: 0x7ff },
    });
    runToHalt(parts);
    return machine.i32[Word.cr2] ?? 0;
  }

  it('reads the image of ESP, which it does not use', () => {
    expect(faultAddress('popad', 12).toString(16)).toBe(missing.toString(16));
    expect(faultAddress('popaw', 6).toString(16)).toBe(missing.toString(16));
  });
});
