/** Random loops of random instructions, and the place where two tiers part on one. */
import { assembleText } from '@ringfence/assembler';
import { CpuState, Layout } from '@ringfence/memory';
import { Word } from '../state-view.ts';
import { flatState, makeCpu, type TestCpu } from '../test-cpu.ts';
import { patterns } from './test-random-patterns.ts';

const dataBase = 0x20_0000;
const dataBytes = 0x2000;
const stackTop = 0x1f_0000;
const counter = 0x1f_8000;
const idt = 0x1f_9000;
const faultHandler = 0x1f_a000;
const codeBase = 0x30_0000;
const codeEnd = 0xf0_0000;

/** Sequences of one loop, and how often the loop runs. */
const loopSequences = 12;
const rounds = 100;
const instructionLimit = 200_000;

/** Numbers that anybody can make again: xorshift32. */
export class RandomNumbers {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e37_79b1) | 1;
  }

  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const registers32 = ['eax', 'ecx', 'edx', 'ebx', 'ebp'] as const;
const registers16 = ['ax', 'cx', 'dx', 'bx', 'bp'] as const;
const registers8 = ['al', 'cl', 'dl', 'bl', 'ah', 'ch', 'dh', 'bh'] as const;
const conditions = 'o no b ae e ne be a s ns p np l ge le g'.split(' ');

/** One instruction or a few that belong together. */
export interface Sequence {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Fills in a pattern. */
function fill(pattern: string, random: RandomNumbers): string {
  const memory = (step: number): string => {
    const offset = random.below(0x300 / step) * step;
    const base = random.pick(['esi', 'edi', '']);
    return base === '' ? `[${dataBase + offset}]` : `[${base} + ${offset}]`;
  };
  const choices: Readonly<Record<string, () => string>> = {
    R: () => random.pick(registers32),
    W: () => random.pick(registers16),
    B: () => random.pick(registers8),
    X: () => `xmm${random.below(8)}`,
    Y: () => `mm${random.below(8)}`,
    M: () => memory(random.pick([1, 4, 4, 4])),
    A: () => `[${dataBase + random.below(0x30) * 16}]`,
    C: () => random.pick(conditions),
    i: () => String(random.below(128)),
    k: () => String(random.pick([random.below(2 ** 31), random.below(128), 0xffff_ffff, 1])),
    n: () => String(1 + random.below(15)),
  };
  return pattern
    .replace(/\b(R|W|B|X|Y|M|A|i|k|n)\b/g, (letter) => choices[letter]?.() ?? letter)
    .replace(/\b(j|set|cmov)C\b/g, (_whole, name: string) => `${name}${random.pick(conditions)}`)
    .replaceAll(';', '\n');
}

/** A pool of sequences: every pattern, filled in several times. */
export function makeSequences(random: RandomNumbers, times: number): Sequence[] {
  return patterns.flatMap((pattern) =>
    Array.from({ length: times }, () => {
      const text = fill(pattern, random);
      return { text: text.replaceAll('\n', ';'), bytes: assembleText(text, { bits: 32 }) };
    }),
  );
}

const prologue = assembleText(`mov esi, ${dataBase + 0x100}\n mov edi, ${dataBase + 0x800}\n cld`, {
  bits: 32,
});

/** Bytes of a loop over sequences, to stand anywhere. */
export function loopOf(sequences: readonly Sequence[]): Uint8Array {
  const inner = [prologue, ...sequences.map(({ bytes }) => bytes)];
  const length = inner.reduce((sum, bytes) => sum + bytes.length, 0);
  // dec dword [counter]; jnz to the first byte; hlt.
  const tail = new Uint8Array(6 + 6 + 1);
  tail.set([0xff, 0x0d]);
  new DataView(tail.buffer).setUint32(2, counter, true);
  tail.set([0x0f, 0x85], 6);
  new DataView(tail.buffer).setInt32(8, -(length + 12), true);
  tail[12] = 0xf4;
  return new Uint8Array([...inner.flatMap((bytes) => [...bytes]), ...tail]);
}

/** What a run ended in. */
export interface EndState {
  readonly state: readonly number[];
  readonly data: Uint8Array;
}

/** Whoever runs programs. */
export interface Runs {
  run(code: Uint8Array, at: number, seed: number, limit?: number): EndState;
  readonly parts?: TestCpu;
}

/** A CPU that runs one program after the other. */
export class Runner implements Runs {
  readonly parts: TestCpu;
  readonly #accel: 'interpreter' | 'translator';

  constructor(accel: 'interpreter' | 'translator') {
    this.#accel = accel;
    this.parts = makeCpu(16 << 20, accel);
    const gates = new Uint8Array(256 * 8);
    const view = new DataView(gates.buffer);
    for (let vector = 0; vector < 256; vector++) {
      view.setUint32(vector * 8, (0x10 << 16) | (faultHandler & 0xffff), true);
      view.setUint32(vector * 8 + 4, (faultHandler & 0xffff_0000) | 0x8e00, true);
    }
    this.parts.physical.write(idt, gates);
    this.parts.physical.write(faultHandler, Uint8Array.of(0xf4));
    // A descriptor of code for the gates: the table is at 0x1f_b000.
    const code = Uint8Array.of(0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0);
    this.parts.physical.write(0x1f_b010, code);
  }

  /** Runs code at an address, up to `limit` instructions, and returns what it ended in. */
  run(code: Uint8Array, at: number, seed: number, limit: number = instructionLimit): EndState {
    const { cpu, physical, machine } = this.parts;
    const random = new RandomNumbers(seed);
    physical.write(at, code);
    physical.write(
      dataBase,
      Uint8Array.from({ length: dataBytes }, () => random.below(256)),
    );
    physical.write(counter, Uint8Array.of(rounds, 0, 0, 0));
    physical.write(stackTop - 64, new Uint8Array(64));
    const initial = flatState(at, stackTop);
    const gpr = initial.gpr.map((value) => (value === 0 ? random.below(2 ** 32) : value));
    cpu.start({
      ...initial,
      gpr,
      idtr: { base: idt, limit: 0x7ff },
      gdtr: { base: 0x1f_b000, limit: 0x2f },
    });
    const state = machine.i32;
    state[Word.cr4] = 0x600;
    for (let word = 0; word < 32; word++) {
      state[(CpuState.xmm >> 2) + word] = random.below(2 ** 32);
    }
    const began = cpu.instructions;
    const end = began + limit;
    for (let slices = 0; cpu.instructions < end; slices++) {
      const slice = slices < 60 ? 97 : 4001;
      const stop = cpu.run(Math.min(slice, end - cpu.instructions));
      if (this.#accel === 'translator' && slices < 200) {
        for (let sample = 0; sample < 64; sample++) cpu.regions?.sample();
      }
      if (stop !== 'budget') break;
    }
    return {
      state: [
        cpu.instructions - began,
        cpu.eflags(),
        state[Word.rip] ?? 0,
        ...state.subarray(Word.gpr, Word.gpr + 16),
        ...state.subarray(CpuState.xmm >> 2, (CpuState.xmm >> 2) + 32),
        ...state.subarray(CpuState.fpu >> 2, (CpuState.fpu >> 2) + 32),
      ],
      data: machine.u8.slice(Layout.ram + stackTop - 64, Layout.ram + dataBase + dataBytes),
    };
  }
}

/** Whether two runs ended in the same state. */
export function areEqual(a: EndState, b: EndState): boolean {
  return (
    a.state.every((word, index) => word === b.state[index]) && Buffer.compare(a.data, b.data) === 0
  );
}

/** A program on which the tiers part: the fewest sequences that show it, and how. */
export interface Difference {
  readonly seed: number;
  readonly sequences: readonly string[];
  /** Instructions after which the states are different first. */
  readonly instructions: number;
  /** Numbers of the words of `EndState.state` that differ, with both values. */
  readonly words: readonly string[];
}

/** Runs random programs in both tiers. */
export class Differ {
  readonly #first: Runs;
  readonly #second: Runs;
  readonly #pool: readonly Sequence[];
  #at = codeBase;

  /** `first` and `second`: the interpreter and the translator, unless others are given. */
  constructor(pool: readonly Sequence[], first?: Runs, second?: Runs) {
    this.#pool = pool;
    this.#first = first ?? new Runner('interpreter');
    this.#second = second ?? new Runner('translator');
  }

  /** Share of the instructions of the second tier that were retired in regions. */
  get translatedShare(): number {
    const { cpu } = this.#second.parts ?? {};
    return (cpu?.regions?.statistics.instructions ?? 0) / (cpu?.instructions ?? 1);
  }

  /** Runs the program of a seed in both; returns where they part, undefined if they do not. */
  check(seed: number): Difference | undefined {
    const random = new RandomNumbers(seed);
    const sequences = Array.from({ length: loopSequences }, () => random.pick(this.#pool));
    const differs = (some: readonly Sequence[], limit?: number): boolean =>
      !areEqual(...this.#both(some, seed, limit));
    if (!differs(sequences)) return undefined;
    const fewest = shrink(sequences, (some) => differs(some));
    const instructions = firstWhere(instructionLimit, (limit) => differs(fewest, limit));
    const [a, b] = this.#both(fewest, seed, instructions);
    const words = a.state.flatMap((word, index) =>
      word === b.state[index] ? [] : [`${index}: ${word} ${b.state[index]}`],
    );
    return { seed, sequences: fewest.map(({ text }) => text), instructions, words };
  }

  #both(sequences: readonly Sequence[], seed: number, limit?: number): [EndState, EndState] {
    const code = loopOf(sequences);
    this.#at += 0x1000 + (seed % 64) * 61;
    if (this.#at > codeEnd) this.#at = codeBase + (seed % 4096);
    return [
      this.#first.run(code, this.#at, seed, limit),
      this.#second.run(code, this.#at, seed, limit),
    ];
  }
}

/** Leaves out one after the other as long as the rest still shows it. */
function shrink<T>(all: readonly T[], shows: (some: readonly T[]) => boolean): readonly T[] {
  let some = all;
  for (let index = 0; index < some.length;) {
    const fewer = some.filter((_, at) => at !== index);
    if (shows(fewer)) some = fewer;
    else index += 1;
  }
  return some;
}

/** The smallest number up to `most` for which something holds that goes on to hold. */
function firstWhere(most: number, holds: (number: number) => boolean): number {
  let low = 0;
  let high = most;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}
