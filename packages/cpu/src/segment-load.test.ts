/** Loads of segment registers by generated code against those of the segmentation unit. */
import { assembleText } from '@ringfence/assembler';
import { CpuState, SegmentField, segmentBytes } from '@ringfence/memory';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from './test-cases.ts';
import { Word } from './state-view.ts';
import { flatState, makeCpu, type TestCpu } from './test-cpu.ts';

const codeAddress = 0x4000;
const stackTop = 0x9000;
const gdt = 0xa000;
const ldt = 0xb000;
const entries = 64;
const names = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
const loaded = [0, 3, 4, 5] as const;

/** Descriptors that loads may take, and such that differ in a bit or two. */
function descriptor(random: Random): readonly [low: number, high: number] {
  const types = [
    0x93, 0x93, 0xf3, 0xf3, 0x92, 0x91, 0xf1, 0x9b, 0xfb, 0x99, 0xf9, 0x9f, 0x97, 0xf7,
  ];
  const type =
    random.below(10) === 0 ? random.below(256) : (types[random.below(types.length)] ?? 0);
  const base = random.below(2) === 0 ? 0 : random.below(1 << 24) << 8;
  const limit = random.below(2) === 0 ? 0xf_ffff : random.below(0x10_0000);
  const flags = random.below(2) === 0 ? 0xc : random.below(16);
  const low = (limit & 0xffff) | ((base & 0xffff) << 16);
  const high = ((base >>> 16) & 0xff) | (type << 8) | (limit & 0xf_0000) | (flags << 20);
  return [low, high | (base & 0xff00_0000)];
}

function prepare({ cpu, machine, physical }: TestCpu, seed: number, cpl: number): void {
  const random = new Random(seed);
  cpu.start(flatState(codeAddress, stackTop));
  const state = machine.i32;
  for (const table of [gdt, ldt]) {
    for (let index = 0; index < entries; index++) {
      const [low, high] = descriptor(random);
      physical.write32(table + 8 * index, low);
      physical.write32(table + 8 * index + 4, high);
    }
  }
  state[CpuState.gdtr >> 2] = gdt;
  state[(CpuState.gdtr >> 2) + 2] = entries * 8 - 1 - random.below(12);
  const at = (CpuState.segments + 6 * segmentBytes) >> 2;
  state[at + (SegmentField.attributes >> 2)] = random.below(4) === 0 ? 0 : 0x82;
  state[at + (SegmentField.base >> 2)] = ldt;
  state[at + (SegmentField.limit >> 2)] = entries * 8 - 1 - random.below(12);
  state[Word.cpl] = cpl;
  if (random.below(3) === 0) cpu.segmentation.loadSegment(random.below(2) * 3, 0);
}

function segments({ machine }: TestCpu): unknown {
  const first = CpuState.segments >> 2;
  const words = machine.i32.slice(first, first + (8 * segmentBytes) / 4);
  return { words: [...words], mode: machine.i32[Word.codeMode] };
}

let fast: TestCpu;
let slow: TestCpu;

beforeAll(() => {
  fast = makeCpu();
  slow = makeCpu();
}, 60_000);

/** Runs a load in one CPU, has segmentation do it in the other. */
function compare(
  text: string,
  register: number,
  selector: number,
  cpl: number,
  seed: number,
): void {
  prepare(fast, seed, cpl);
  prepare(slow, seed, cpl);
  const what = `${text} ${selector.toString(16)} at CPL ${cpl}, seed ${seed}`;
  const program = assembleText(text, { bits: 32, origin: codeAddress });
  fast.physical.write(codeAddress, program);
  fast.physical.write32(stackTop, selector);
  fast.machine.i32[Word.gpr] = selector;
  const began = fast.cpu.instructions;
  let stop = fast.cpu.run(1);
  // After much work of the host `run` returns with nothing done.
  if (stop === 'budget' && fast.cpu.instructions === began) stop = fast.cpu.run(1);
  const fault = slow.cpu.segmentation.loadSegment(register, selector);
  expect(stop === 'tripleFault', what).toBe(fault !== 0);
  expect(segments(fast), what).toEqual(segments(slow));
  const moved = fault === 0 && text.startsWith('pop') ? 4 : 0;
  expect(fast.machine.i32[Word.gpr + 8], what).toBe(stackTop + moved);
  // Accessed bits are set alike.
  for (const table of [gdt, ldt]) {
    const at = table + (selector & 0xfff8) + 4;
    expect(fast.physical.read32(at), what).toBe(slow.physical.read32(at));
  }
}

describe('loads of segment registers', () => {
  it.each(loaded)('do what segmentation does, for any descriptor: register %i', (register) => {
    const name = names[register];
    for (let seed = 0; seed < 700; seed++) {
      const random = new Random(seed * 8 + register);
      const selector = random.below(8) === 0 ? random.below(4) : random.below(entries * 8);
      const text = random.below(2) === 0 ? `mov ${name}, ax` : `pop ${name}`;
      compare(text, register, selector, random.below(2) * 3, seed);
    }
  });

  it('do it for SS too, which is left to segmentation', () => {
    for (let seed = 0; seed < 100; seed++) {
      compare('mov ss, ax', 2, new Random(seed).below(entries * 8), 0, seed);
    }
  });

  it('of an ordinary selector need no call of the host', () => {
    prepare(fast, 1, 0);
    fast.physical.write32(gdt + 8, 0xffff);
    fast.physical.write32(gdt + 12, 0xcf_9300);
    fast.cpu.segmentation.loadSegment(3, 8);
    fast.cpu.segmentation.loadSegment(0, 8);
    fast.physical.write(codeAddress, assembleText('mov ds, ax', { bits: 32, origin: codeAddress }));
    fast.machine.i32[Word.gpr] = 8;
    // The first one brings the table into the shadow directory.
    const before = fast.cpu.statistics().exits['loadSegment'] ?? 0;
    for (let again = 0; again < 3; again++) {
      fast.machine.i32[Word.rip] = codeAddress;
      fast.cpu.run(1);
    }
    expect((fast.cpu.statistics().exits['loadSegment'] ?? 0) - before).toBeLessThanOrEqual(1);
  });
});

describe('STI', () => {
  const handler = 0x5000;
  const idt = 0xc000;

  /** Runs code with an interrupt that comes after some instructions; where it was taken. */
  function interruptedAt(source: string, after: number, announces: boolean): number {
    const parts = fast;
    prepare(parts, 1, 0);
    const { physical, machine, interrupts, cpu } = parts;
    physical.write32(gdt + 0x10, 0xffff);
    physical.write32(gdt + 0x14, 0xcf_9b00);
    physical.write32(idt + 8 * 0x20, 0x10_0000 | handler);
    physical.write32(idt + 8 * 0x20 + 4, 0x8e00);
    machine.i32[CpuState.idtr >> 2] = idt;
    machine.i32[(CpuState.idtr >> 2) + 2] = 0x7ff;
    physical.write(handler, Uint8Array.of(0xf4));
    physical.write(codeAddress, assembleText(source, { bits: 32, origin: codeAddress }));
    Object.assign(interrupts, { announces, requested: after === 0 });
    if (after > 0) cpu.run(after);
    interrupts.requested = true;
    cpu.attention();
    for (let more = 0; more < 20 && !cpu.halted; more++) cpu.run(1000);
    Object.assign(interrupts, { announces: false, requested: false });
    return physical.read32((machine.i32[Word.gpr + 8] ?? 0) >>> 0) - codeAddress;
  }

  const source = 'nop\nsti\nnop\nnop\nnop\nhlt';

  it.each([
    [0, 3],
    [1, 3],
    [2, 3],
    [3, 3],
    [4, 4],
  ])('lets an interrupt that comes after %i instructions in behind %i of them', (after, at) => {
    expect(interruptedAt(source, after, true)).toBe(at);
    expect(interruptedAt(source, after, false)).toBe(at);
  });

  it('holds nothing off where IF was set', () => {
    for (const announces of [true, false]) {
      expect(interruptedAt('sti\nnop\nsti\nnop\nhlt', 3, announces)).toBe(3);
    }
  });

  it('needs no call of the host where interrupts are announced and none waits', () => {
    const before = fast.cpu.statistics().exits['interruptFlag'] ?? 0;
    interruptedAt(source, 3, true);
    expect(fast.cpu.statistics().exits['interruptFlag'] ?? 0).toBe(before);
    interruptedAt(source, 3, false);
    expect(fast.cpu.statistics().exits['interruptFlag'] ?? 0).toBe(before + 1);
  });

  it('needs one call of the host once what was requested is done with', () => {
    const { physical, machine, interrupts, cpu, writes } = fast;
    prepare(fast, 1, 0);
    const text = `out 0x80, al\n${'sti\nnop\ncli\n'.repeat(5)}hlt`;
    physical.write(codeAddress, assembleText(text, { bits: 32, origin: codeAddress }));
    // A request that the guest ends itself, as an upcall of Xen.
    writes.length = 0;
    const requested = { get: () => writes.length === 0, configurable: true };
    Object.defineProperty(interrupts, 'requested', requested);
    interrupts.announces = true;
    machine.i32[Word.eflags] = 2;
    const before = cpu.statistics().exits['interruptFlag'] ?? 0;
    for (let more = 0; more < 20 && !cpu.halted; more++) cpu.run(1000);
    Object.defineProperty(interrupts, 'requested', { value: false, writable: true });
    interrupts.announces = false;
    expect(writes).toHaveLength(1);
    expect(cpu.statistics().exits['interruptFlag'] ?? 0).toBe(before + 1);
  });
});
