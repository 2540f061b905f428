import { arithmeticFlags, Eflags } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { gate, gdtBase, Page, segment, Sel, TestMachine } from './test-machine.ts';

const x = Sel.free;
const { zf } = Eflags;

type Query = 'lar' | 'lsl' | 'verr' | 'verw';

/** Whether the instruction sets ZF for a descriptor of this access byte. */
function query(operation: Query, access: number, selector: number = x, cpl = 0): boolean {
  const machine = new TestMachine();
  machine.enter(cpl);
  machine.gdt(x, segment(access, 0x1000, 0x2_3456, 0xc));
  machine.flags = arithmeticFlags & ~zf;
  const fault = machine.run((unit) =>
    operation === 'lar' || operation === 'lsl'
      ? unit[operation](selector, 4)
      : unit[operation](selector),
  );
  expect(fault).toBe('none');
  // The other flags stay.
  expect(machine.flags & arithmeticFlags & ~zf).toBe(arithmeticFlags & ~zf);
  return (machine.flags & zf) !== 0;
}

describe('types that are valid (SDM 2A LAR, LSL; 2B VERR)', () => {
  const system = {
    lar: [1, 2, 3, 4, 5, 9, 11, 12],
    lsl: [1, 2, 3, 9, 11],
    verr: [],
    verw: [],
  } as Record<Query, number[]>;

  it.each(['lar', 'lsl', 'verr', 'verw'] as const)('%s knows its system types', (operation) => {
    const valid: number[] = [];
    for (let type = 0; type < 16; type++) if (query(operation, 0x80 | type)) valid.push(type);
    expect(valid).toEqual(system[operation]);
  });

  it.each([
    ['lar', Array.from({ length: 16 }, (_, type) => type)],
    ['lsl', Array.from({ length: 16 }, (_, type) => type)],
    ['verr', [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 14, 15]],
    ['verw', [2, 3, 6, 7]],
  ] as const)('%s and code and data types', (operation, expected) => {
    const valid: number[] = [];
    for (let type = 0; type < 16; type++) if (query(operation, 0x90 | type)) valid.push(type);
    expect(valid).toEqual(expected);
  });
});

describe('privilege of LAR, LSL, VERR and VERW', () => {
  it.each(['lar', 'lsl', 'verr', 'verw'] as const)('%s compares CPL and RPL with DPL', (op) => {
    for (let cpl = 0; cpl < 4; cpl++) {
      for (let rpl = 0; rpl < 4; rpl++) {
        for (let dpl = 0; dpl < 4; dpl++) {
          const access = 0x93 | (dpl << 5);
          expect(query(op, access, x | rpl, cpl)).toBe(dpl >= cpl && dpl >= rpl);
        }
      }
    }
  });

  it.each(['lar', 'lsl', 'verr'] as const)('%s sees conforming code of any level', (op) => {
    expect(query(op, 0x9f, x | 3, 3)).toBe(true);
    expect(query(op, 0x9b, x | 3, 3)).toBe(false);
  });

  it.each(['lar', 'lsl', 'verr', 'verw'] as const)('%s ignores the present bit', (op) => {
    expect(query(op, 0x13)).toBe(true);
  });

  it.each(['lar', 'lsl', 'verr', 'verw'] as const)('%s clears ZF for no descriptor', (op) => {
    for (const selector of [0, 3, 0x100, 0x104]) expect(query(op, 0x93, selector)).toBe(false);
  });

  it.each(['lar', 'lsl', 'verr', 'verw'] as const)('%s is #UD without protected mode', (op) => {
    const machine = new TestMachine();
    machine.enterVirtual8086();
    expect(machine.run((unit) => unit[op](x, 4))).toBe('#UD');
    machine.enterReal();
    expect(machine.run((unit) => unit[op](x, 4))).toBe('#UD');
  });

  it.each(['lar', 'lsl', 'verr', 'verw'] as const)('%s passes on page faults', (op) => {
    const machine = new TestMachine();
    machine.memory.pages[gdtBase >> 12] = Page.absent;
    expect(machine.run((unit) => unit[op](Sel.data0, 4))).toBe('#PF(0x0)');
  });
});

describe('results', () => {
  it('LAR gives the attributes with the upper limit bits', () => {
    const machine = new TestMachine();
    machine.gdt(x, segment(0xf3, 0xab00_0000, 0xc_1234, 0xd));
    machine.segmentation.lar(x, 4);
    expect(machine.segmentation.result).toBe(0x00dc_f300);
    machine.segmentation.lar(x, 2);
    expect(machine.segmentation.result).toBe(0xf300);
  });

  it('LAR reads call gates', () => {
    const machine = new TestMachine();
    machine.gdt(x, gate(0xec, 8, 0x1234_5678, 3));
    machine.segmentation.lar(x, 4);
    expect(machine.segmentation.result).toBe(0x0034_ec00);
  });

  it('LSL gives the limit in bytes', () => {
    const machine = new TestMachine();
    machine.gdt(x, segment(0x93, 0, 0x1_2345));
    machine.segmentation.lsl(x, 4);
    expect(machine.segmentation.result).toBe(0x1_2345);
    machine.segmentation.lsl(x, 2);
    expect(machine.segmentation.result).toBe(0x2345);
    machine.gdt(x, segment(0x93, 0, 0xf_ffff, 8));
    machine.segmentation.lsl(x, 4);
    expect(machine.segmentation.result).toBe(-1);
  });
});

describe('ARPL (SDM 2A ARPL)', () => {
  it('raises RPL and says so in ZF', () => {
    const machine = new TestMachine();
    for (let destination = 0; destination < 4; destination++) {
      for (let source = 0; source < 4; source++) {
        expect(machine.run((unit) => unit.arpl(0x10 | destination, source))).toBe('none');
        expect(machine.segmentation.result).toBe(0x10 | Math.max(destination, source));
        expect((machine.flags & zf) !== 0).toBe(destination < source);
      }
    }
  });

  it('is #UD in real and virtual-8086 mode', () => {
    const machine = new TestMachine();
    machine.enterVirtual8086();
    expect(machine.run((unit) => unit.arpl(0, 3))).toBe('#UD');
    machine.enterReal();
    expect(machine.run((unit) => unit.arpl(0, 3))).toBe('#UD');
  });
});
