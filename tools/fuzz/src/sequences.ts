/**
 * Random sequences of instructions and of bytes on a bare CPU in both tiers, in real, protected and
 * virtual-8086 mode, at CPL 0 and 3, with and without paging, over random descriptor tables, gates
 * and page tables. Nothing may throw or hang, and both tiers must come to the same state.
 *
 * Most random instructions fault. So some sequences are grown instead: an instruction stays if it
 * goes on to the next. They run twice, the second time in a region made of what the first has met.
 */
import type { InitialSegment, InitialState } from '@ringfence/cpu';
import { FORMS } from '@ringfence/isa';
import { encode, Random } from './cases.ts';
import { Bench, ramBytes, stackTop } from './sequence-bench.ts';

const globalTable = 0x1000;
const interruptTable = 0x2000;
const taskState = 0x3000;
/** CR3 is 0 after reset; the vectors of real mode are here too. */
const pageDirectory = 0;
const pageTable = 0x5000;
/** HLT, where most gates lead. */
const haltAt = 0x7000;
const halt = 0xf4;
const codeStart = 0x2_0000;
/** Where code stands that is translated: another page each time, as pages get to be left alone. */
const hotStart = 0x8_0000;
const hotPages = 256;
const sequenceBytes = 96;
/** Instructions that are tried for one of those. */
const hotTries = 60;
/** Of a hundred sequences, those that are run again with their code translated. */
const hotPercent = 15;

/** What many sequences came to. */
export interface SequenceResult {
  readonly sequences: number;
  /** Those whose ends were compared. */
  readonly compared: number;
  readonly tripleFaults: number;
  readonly halts: number;
  /** Instructions that retired in the interpreter's runs. */
  readonly instructions: number;
  /** Regions made of sequences, and the instructions that retired in them. */
  readonly regions: number;
  readonly translated: number;
  /** Seeds at which the tiers part, or something was thrown, with the reason. */
  readonly findings: readonly string[];
}

/** Runs `count` sequences from a seed on, or fewer when the time is over. */
export function runSequences(seed: number, count: number, seconds: number): SequenceResult {
  const until = performance.now() + 1000 * seconds;
  const benches = [new Bench('interpreter'), new Bench('translator')] as const;
  const trial = new Bench('interpreter');
  const findings: string[] = [];
  const ends: Record<string, number> = {};
  let sequences = 0;
  let compared = 0;
  for (; sequences < count; sequences += 1) {
    const random = new Random(seed + sequences);
    if ((sequences & 255) === 0) {
      if (performance.now() > until || findings.length > 20) break;
      const tables = randomTables(random);
      for (const bench of [...benches, trial]) {
        for (const [at, bytes] of tables) bench.write(at, bytes);
      }
    }
    const hot = random.chance(hotPercent);
    const hotAt = hotStart + (sequences % hotPages) * 4096 + random.below(4000);
    const initial = initialState(random, hot ? hotAt : 0);
    const at = initial.cs.base + initial.eip;
    const code = hot ? hotSequence(random, trial, initial) : sequence(random);
    const ways = hot ? (['run', 'runHot'] as const) : (['run'] as const);
    try {
      for (const way of ways) {
        const mapping = benches[0].mapping([pageDirectory, pageTable]);
        const [one, other] = benches.map((bench) => {
          if (way === 'run') bench.write(at, code);
          return bench[way](initial);
        });
        const end = one?.[0] ?? '';
        const isRemapped = benches.some(
          (bench) => bench.paging && bench.mapping([pageDirectory, pageTable]) !== mapping,
        );
        ends[end] = (ends[end] ?? 0) + 1;
        const isSame = one?.join() === other?.join();
        if (end !== 'entries' && other?.[0] !== 'entries' && !isRemapped) {
          compared += 1;
          const differsAt = benches[0].differsAt(benches[1]);
          const same = isSame && differsAt < 0;
          if (!same) {
            const words = `${difference(one, other)} memory at ${differsAt.toString(16)}`;
            findings.push(`${seed + sequences}: ${way} differs: ${words}`);
          }
          if (same) continue;
        }
        // Where a run ends by its entries depends on how often generated code was entered, and so
        // does where code is looked up again whose page tables it has changed.
        benches[1].write(0, benches[0].ram);
        break;
      }
    } catch (error) {
      findings.push(`${seed + sequences}: ${String(error)}`);
    }
  }
  const { instructions } = benches[0].cpu;
  const { regions = 0, instructions: translated = 0 } = benches[1].cpu.regions?.statistics ?? {};
  const { tripleFault: tripleFaults = 0, halt: halts = 0 } = ends;
  return {
    sequences,
    compared,
    tripleFaults,
    halts,
    instructions,
    regions,
    translated,
    findings,
  };
}

const usable = FORMS.filter((form) => form.legacy);

/** Instructions of the tables, mutated now and then, or random bytes. */
function sequence(random: Random): Uint8Array {
  const bytes: number[] = [];
  if (random.chance(25)) {
    while (bytes.length < sequenceBytes) bytes.push(random.below(256));
    return Uint8Array.from(bytes);
  }
  while (bytes.length < sequenceBytes - 16) {
    const code = encode(random, random.pick(usable), random.chance(30) ? 'ring3-16' : 'flat3');
    if (code !== undefined) bytes.push(...code);
    if (random.chance(5)) bytes[random.below(bytes.length)] = random.below(256);
  }
  bytes.push(halt);
  return Uint8Array.from(bytes.slice(0, sequenceBytes));
}

/** The words of two ends that differ, by number. */
function difference(one: readonly string[] = [], other: readonly string[] = []): string {
  const [words, others] = [one, other].map((end) => end.join(' ').split(/[ ,]/));
  const found = words?.flatMap((word, index) =>
    word === others?.[index] ? [] : [`${index}: ${word} ${others?.[index] ?? ''}`],
  );
  return (found ?? []).slice(0, 8).join(', ');
}

/** Instructions that do not stop a sequence that is to be long, but for some, then again or HLT. */
function hotSequence(random: Random, trial: Bench, initial: InitialState): Uint8Array {
  const bytes: number[] = [];
  trial.start({ ...initial, idtr: { base: 0, limit: 0 } });
  for (let tries = 0; tries < hotTries && bytes.length < sequenceBytes - 20; tries++) {
    const form = random.pick(usable);
    const code = form.mnemonic === 'HLT' ? undefined : encode(random, form, 'flat3');
    if (code === undefined) continue;
    if (trial.tries(code)) bytes.push(...code);
    else if (random.chance(4)) {
      // What follows is tried as if it had gone on.
      bytes.push(...code);
      trial.skip(code.length);
    }
  }
  if (random.chance(60)) bytes.push(0xeb, -bytes.length - 2);
  bytes.push(halt);
  return Uint8Array.from(bytes);
}

function randomTables(random: Random): readonly (readonly [number, Uint8Array])[] {
  const words = (count: number, word: (index: number) => number): Uint8Array =>
    new Uint8Array(Uint32Array.from({ length: count }, (_, index) => word(index)).buffer);
  const access = [0x9b, 0x93, 0xfb, 0xf3, 0x97, 0x89, 0xe5, 0x8c, 0xec, 0x82, 0x9f, 0xb3, 0x81];
  const segments = words(128, (index) => {
    if (index % 2 === 0) return random.chance(70) ? 0xffff : random.next();
    return (random.pick(access) << 8) | (random.chance(70) ? 0x00cf_0000 : random.next() & ~0xff00);
  });
  const fixed = [0, 0, 0xffff, 0x00cf_9b00, 0xffff, 0x00cf_9300, 0xffff, 0x00cf_fb00];
  segments.set(
    words(12, (index) => [...fixed, 0xffff, 0x00cf_f300, 0x3000_0067, 0x8b00][index] ?? 0),
  );
  const goesOn = random.chance(20);
  const gates = words(512, (index) => {
    if (random.chance(3)) return random.next();
    const target = goesOn ? codeStart + random.below(64) : haltAt;
    return index % 2 === 0 ? 0x8_0000 | (target & 0xffff) : (target & 0xffff_0000) | 0xee00;
  });
  const task = words(32, () => (random.chance(50) ? 0x10 : stackTop - 0x1000));
  const entry = (index: number): number =>
    random.chance(90) ? ((index << 12) | 0x67) >>> 0 : random.next();
  return [
    [0, new Uint8Array(ramBytes)],
    [globalTable, segments],
    [haltAt, Uint8Array.of(halt)],
    [interruptTable, gates],
    [taskState, task],
    [pageTable, words(1024, entry)],
    [pageDirectory, words(1024, (index) => (index === 0 ? pageTable | 0x67 : random.next()))],
  ];
}

/** `hotAt`: where code that is to be translated stands; 0 for other sequences. */
function initialState(random: Random, hotAt: number): InitialState {
  const mode = hotAt === 0 ? random.below(6) : random.pick([0, 2]);
  const user = mode === 2 || mode === 3 || mode === 5;
  const real = mode === 4 || mode === 5;
  const wide = mode !== 1 && mode !== 3 && !real;
  const code = real ? 0x9b : (wide ? 0xc09b : 0x9b) | (user ? 0x60 : 0);
  const data = (wide ? 0xc093 : 0x93) | (user ? 0x60 : 0);
  const limit = wide ? 0xffff_ffff : 0xffff;
  const base = wide ? 0 : codeStart;
  const selector = (table: number): number => (real ? codeStart >> 4 : table | (user ? 3 : 0));
  const dataSegment: InitialSegment = {
    selector: selector(user ? 0x20 : 0x10),
    base,
    limit,
    attributes: data,
  };
  const task = { selector: 0x28, base: taskState, limit: 0x67, attributes: 0x8b };
  // Neither steps nor aligned accesses only, which regions are not entered with.
  const flags = hotAt !== 0 && random.chance(90) ? 0x3_8ed5 : 0x7_fed5;
  const pages = random.chance(hotAt === 0 ? 40 : 20) && mode !== 4 ? 0x8000_0000 : 0;
  const registers = Array.from({ length: 8 }, () =>
    random.chance(60) ? random.below(0x1_0000) + (wide ? codeStart : 0) : random.next(),
  );
  registers[4] = wide ? stackTop - 64 : stackTop - codeStart - 64;
  return {
    gpr: registers,
    eip: wide ? hotAt || codeStart : 0,
    eflags: 2 | (random.next() & flags & ~0x2_0000) | (mode === 5 ? 0x2_0000 : 0),
    cr0: (mode === 4 ? 0x10 : 0x11) | pages | (random.next() & 0x5_002e),
    gdtr: { base: globalTable, limit: 511 },
    idtr: { base: interruptTable, limit: mode === 4 ? 0x3ff : 0x7ff },
    cs: { selector: selector(user ? 0x18 : 0x08), base, limit, attributes: code },
    ds: dataSegment,
    es: dataSegment,
    ss: dataSegment,
    fs: dataSegment,
    gs: dataSegment,
    ldtr: { selector: 0, base: 0, limit: 0xffff, attributes: 0x82 },
    tr: task,
  };
}
