/**
 * Random descriptor tables, selectors, gates, task states and page permissions under random
 * operations. A seed repeats a run exactly: `fuzz(seed, steps)`.
 */
import { CpuState, definedFlags, Eflags, SegmentRegister } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { combineFaults } from './double-fault.ts';
import { Word } from './descriptor.ts';
import { faultErrorCode, faultHasError, faultVector, formatFault } from './fault.ts';
import { InterruptKind, noErrorCode, type OperandBytes } from './interfaces.ts';
import { Segment, State } from './state.ts';
import { gate, gdtBase, idtBase, ldtBase, segment, TestMachine, tssBase } from './test-machine.ts';

/** No operation touches memory more often: a task switch reads two TSS and writes one. */
const maxAccesses = 160;

/** Xorshift, 32 bits. */
class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 1;
  }
  next(): number {
    let value = this.#state;
    value ^= value << 13;
    value ^= value >>> 17;
    value ^= value << 5;
    this.#state = value;
    return value >>> 0;
  }
  below(limit: number): number {
    return this.next() % limit;
  }
  pick<T>(...items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

class Fuzzer {
  readonly machine: TestMachine = new TestMachine();
  readonly random: Random;
  /** Outcomes seen, to show that the fuzzer gets anywhere. */
  readonly outcomes: Map<string, number> = new Map();

  constructor(seed: number) {
    this.random = new Random(seed);
    this.#scramble();
  }

  #selector(): number {
    const random = this.random;
    return random.below(16) === 0 ? random.below(0x10000) : random.below(0x108);
  }

  #offset(): number {
    return this.random.pick(0, 0x10, 0x100, 0xfff, 0xffff, 0x1_0000, this.random.next());
  }

  #descriptor(): readonly [number, number] {
    const random = this.random;
    const present = random.below(8) === 0 ? 0 : 0x80;
    const dpl = random.below(4) << 5;
    const type = random.pick(1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 14, 15, random.below(16));
    if (random.below(3) === 0) {
      const isGate = type >= 4 && type <= 7 ? true : type >= 12;
      if (isGate) {
        return gate(present | dpl | type, this.#selector(), this.#offset(), random.below(32));
      }
      const limit = random.pick(0x67, 0x2b, 0x1fff, random.below(0x100));
      return segment(present | dpl | type, random.below(0x100) << 12, limit);
    }
    const flat = random.below(2) === 0;
    const flags = random.pick(0, 4, 8, 12);
    const base = flat ? 0 : random.next();
    const limit = flat ? 0xf_ffff : random.below(0x10_0000);
    return segment(present | dpl | 0x10 | random.below(16), base, limit, flat ? 12 : flags);
  }

  /** New tables and task states; the CPU state stays. */
  #scramble(): void {
    const { machine, random } = this;
    for (let entry = 1; entry < 32; entry++) {
      if (random.below(3) === 0) machine.gdt(entry * 8, this.#descriptor());
      if (random.below(3) === 0) machine.ldt(entry * 8, this.#descriptor());
    }
    for (let vector = 0; vector < 256; vector++) {
      const access = random.below(4) === 0 ? random.below(256) : 0x8e | (random.below(4) << 5);
      if (random.below(3) === 0) {
        machine.idt(vector, gate(access, this.#selector(), this.#offset()));
      }
    }
    for (let page = 0; page < 256; page++) {
      machine.memory.pages[page] = random.below(24) === 0 ? random.below(8) : 0;
    }
    for (let task = 0; task < 4; task++) this.#scrambleTask(random.below(0x100) << 12);
    this.#scrambleTask(tssBase);
    // The tables can mostly be read, or nothing else would happen.
    for (const base of [gdtBase, ldtBase, idtBase]) {
      machine.memory.pages[base >> 12] = random.below(16) === 0 ? random.below(8) : 0;
    }
  }

  #scrambleTask(base: number): void {
    const { machine, random } = this;
    for (let field = 0; field < 0x68; field += 4) {
      const isSelector = field >= 0x48 || (field < 0x1c && field % 8 === 0);
      machine.memory.poke(base + field, isSelector ? this.#selector() : this.#offset(), 4);
    }
    machine.memory.poke(base + 102, random.below(0x200), 2);
  }

  /** Puts the CPU into a random mode. */
  #enter(): void {
    const { machine, random } = this;
    machine.words[State.cr0] = 0x8000_0011 | (random.below(2) << 18);
    machine.flags = random.next() & ~Eflags.vm;
    machine.words[State.cr4] = random.pick(0, 1, 2, 3, 0x800);
    machine.words[State.efer] = random.below(2);
    machine.memory.bytes.fill(0, gdtBase, gdtBase + 8);
    const mode = random.below(8);
    if (mode === 0) {
      machine.enterReal();
    } else if (mode === 1) {
      machine.enterVirtual8086(random.below(4));
    } else {
      const fresh = new TestMachine();
      machine.memory.bytes.set(fresh.memory.bytes.subarray(gdtBase, gdtBase + 0x90), gdtBase);
      machine.words[State.idtrBase] = idtBase;
      machine.words[State.idtrLimit] = 0x7ff;
      machine.words[State.gdtrBase] = gdtBase;
      machine.words[State.gdtrLimit] = 0xff;
      machine.system(Segment.tr, 0x28, 0x8b, tssBase, 0x1fff);
      machine.system(Segment.ldtr, 0x30, 0x82, ldtBase, 0xff);
      machine.enter(random.below(4));
    }
    machine.segmentation.updateMode();
  }

  step(): void {
    const { machine, random } = this;
    if (random.below(20) === 0) this.#scramble();
    if (random.below(6) === 0) this.#enter();
    const size: OperandBytes = random.below(3) === 0 ? 2 : 4;
    if (random.below(2) === 0) {
      machine.esp = random.pick(0x7_0000, 0x8000, 4, 0, random.next());
    }
    if (random.below(2) === 0) {
      const items = Array.from({ length: 9 }, (_, index) =>
        index % 2 === 0 ? this.#offset() : this.#selector(),
      );
      machine.stack(size, ...items);
    }
    const before = machine.words.slice();
    machine.events.length = 0;
    machine.memory.failAfter = 1_000_000;
    const [name, fault] = this.#operate(size);
    const accesses = 1_000_000 - machine.memory.failAfter;
    machine.memory.failAfter = -1;
    if (accesses > maxAccesses) throw new Error(`${name}: ${accesses} accesses`);
    const outcome = `${name} ${fault === 0 ? 'none' : formatFault(fault).slice(0, 3)}`;
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    this.#checkFault(name, fault, before);
    this.#checkState(name);
  }

  #operate(size: OperandBytes): [string, number] {
    const { random } = this;
    const unit = this.machine.segmentation;
    switch (random.below(20)) {
      case 0:
      case 1:
        return ['load', unit.loadSegment(random.pick(0, 2, 3, 4, 5), this.#selector())];
      case 2:
      case 3:
        return ['jump', unit.farJump(this.#selector(), this.#offset(), size)];
      case 4:
      case 5:
        return ['call', unit.farCall(this.#selector(), this.#offset(), size)];
      case 6:
        return ['return', unit.farReturn(random.pick(0, 4, 0xffff), size)];
      case 7:
      case 8:
        return ['iret', unit.iret(size)];
      case 9:
      case 10:
      case 11:
        return ['interrupt', this.#deliver()];
      case 12:
        return ['lldt', unit.lldt(this.#selector())];
      case 13:
        return ['ltr', unit.ltr(this.#selector())];
      case 14:
        return ['query', unit[random.pick('lar', 'lsl', 'verr', 'verw')](this.#selector(), size)];
      case 15:
        return ['sysenter', unit.sysenter(this.#selector(), random.next(), random.next())];
      case 16:
        return ['sysexit', unit.sysexit(this.#selector())];
      case 17:
        return random.below(2) === 0
          ? ['syscall', unit.syscall(random.next(), random.next())]
          : ['sysret', unit.sysret(random.next())];
      case 18:
        return ['flags', random.pick(unit.cli(), unit.sti(), unit.popf(random.next(), size))];
      default:
        return ['io', unit.checkIo(random.below(0x1_0000), random.pick(1, 2, 4))];
    }
  }

  /** An interrupt, and whatever comes of it, as a run loop would do it. */
  #deliver(): number {
    const { machine, random } = this;
    const kind = random.below(6) as InterruptKind;
    const vector = random.below(256);
    const error = kind === InterruptKind.fault && random.below(2) === 0 ? 0x18 : noErrorCode;
    const fault = machine.segmentation.interrupt(vector, kind, error);
    if (fault !== 0) combineFaults(vector, kind, fault);
    return fault;
  }

  /** A fault without a task switch or a virtual interrupt has changed no register. */
  #checkFault(name: string, fault: number, before: Int32Array): void {
    if (fault === 0) return;
    const { machine } = this;
    const vector = faultVector(fault);
    if (![6, 10, 11, 12, 13, 14].includes(vector)) throw new Error(`${name}: vector ${vector}`);
    if (faultHasError(fault) !== (vector !== 6)) throw new Error(`${name}: error code presence`);
    if (vector === 14 && faultErrorCode(fault) > 7) throw new Error(`${name}: #PF error code`);
    if (machine.events.some((event) => event.startsWith('task'))) return;
    if (((machine.words[State.cr4] ?? 0) & 3) !== 0 && name === 'iret') return;
    if (name === 'flags') return;
    const index = machine.words.findIndex((word, at) => word !== before[at]);
    if (index >= 0) {
      throw new Error(`${name}: ${formatFault(fault)} changed word 0x${(index * 4).toString(16)}`);
    }
  }

  #checkState(name: string): void {
    const { machine } = this;
    const fail = (what: string): never => {
      throw new Error(`after ${name}: ${what}`);
    };
    const flags = machine.flags;
    const isReal = ((machine.words[State.cr0] ?? 0) & 1) === 0;
    const cpl = machine.cpl;
    if ((flags & ~definedFlags) !== 2) fail(`EFLAGS ${flags.toString(16)}`);
    if (machine.words[State.rip + 1] !== 0) fail('RIP above 32 bits');
    if (isReal) {
      if (cpl !== 0) fail(`real mode at CPL ${cpl}`);
    } else if ((flags & Eflags.vm) !== 0) {
      if (cpl !== 3) fail(`virtual-8086 mode at CPL ${cpl}`);
      for (const at of Object.values(Segment)) {
        if (at === Segment.ldtr || at === Segment.tr) continue;
        const word = (field: number): number => machine.words[at + field] ?? 0;
        const usable = word(Word.attributes) !== 0;
        if (usable && word(Word.base) !== word(Word.selector) << 4) fail('v86 segment base');
      }
    } else {
      this.#checkProtected(cpl, fail);
    }
    const derived = [State.codeMode, CpuState.alignmentCheck >> 2];
    const values = derived.map((index) => machine.words[index]);
    machine.segmentation.updateMode();
    if (derived.some((index, at) => machine.words[index] !== values[at])) fail('derived state');
  }

  #checkProtected(cpl: number, fail: (what: string) => never): void {
    const { machine } = this;
    const attributes = (at: number): number => machine.words[at + Word.attributes] ?? 0;
    const dpl = (at: number): number => (attributes(at) >> 5) & 3;
    const code = attributes(Segment.cs);
    const stack = attributes(Segment.ss);
    // A fault of a task switch before there is a stack is one at CPL 3, which takes one of the TSS.
    if (stack === 0 && cpl === 3) return;
    if ((machine.cs & 3) !== cpl) fail(`CS ${machine.cs} at CPL ${cpl}`);
    if (code !== 0) {
      // From real mode CS is data; operations only ever load code.
      if ((code & 0x98) !== 0x98) fail('CS is no code');
      const conforming = (code & 4) !== 0;
      if (conforming ? dpl(Segment.cs) > cpl : dpl(Segment.cs) !== cpl) fail('CS.DPL');
    }
    if (stack !== 0) {
      if ((stack & 0x9a) !== 0x92) fail('SS is no writable data');
      if ((machine.ss & 3) !== cpl) fail(`SS ${machine.ss} at CPL ${cpl}`);
      if (dpl(Segment.ss) !== cpl) fail(`SS.DPL ${dpl(Segment.ss)} at CPL ${cpl}`);
    }
    for (const register of [SegmentRegister.es, SegmentRegister.ds]) {
      const at = register === SegmentRegister.es ? Segment.es : Segment.ds;
      const value = attributes(at);
      const first = (machine.words[at + Word.readFirst] ?? 0) >>> 0;
      const last = (machine.words[at + Word.readLast] ?? 0) >>> 0;
      if (value === 0 && !(first === 0xffff_ffff && last === 0)) fail('open null segment');
      if (value !== 0 && (value & 0x90) !== 0x90) fail('data segment is none');
    }
  }
}

function fuzz(seed: number, steps: number): Map<string, number> {
  const fuzzer = new Fuzzer(seed);
  for (let step = 0; step < steps; step++) {
    try {
      fuzzer.step();
    } catch (error) {
      throw new Error(`seed ${seed}, step ${step}: ${String(error)}`, { cause: error });
    }
  }
  return fuzzer.outcomes;
}

describe('random operations on random tables', () => {
  it.each([1, 0x1234_5677, 0x2b, 0x7fff_ffff])('keep the invariants with seed %i', (seed) => {
    const outcomes = fuzz(seed, 10_000);
    // It gets deep enough to matter: successes and faults of every kind of transfer.
    for (const operation of ['load', 'jump', 'call', 'return', 'iret', 'interrupt']) {
      for (const result of ['none', '#GP', '#PF']) {
        expect(outcomes.get(`${operation} ${result}`) ?? 0).toBeGreaterThan(0);
      }
    }
    expect(outcomes.get('interrupt #TS') ?? 0).toBeGreaterThan(0);
    expect(outcomes.get('call #NP') ?? 0).toBeGreaterThan(0);
  });
});
