/**
 * Random loops with branches, calls and memory end in the same state in both tiers.
 *
 * `RINGFENCE_SEQUENCES=1000000 npx vitest run packages/cpu/src/coherence/random-programs` runs as
 * many sequences as that, from another seed with `RINGFENCE_SEED`.
 */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { patterns } from './test-random-patterns.ts';
import { Differ, makeSequences, RandomNumbers, Runner, type Runs } from './test-random-programs.ts';

const sequencesPerProgram = 12;
const programs = Math.ceil(
  Number(process.env['RINGFENCE_SEQUENCES'] ?? 6000) / sequencesPerProgram,
);
const firstSeed = Number(process.env['RINGFENCE_SEED'] ?? 1);

describe('the differ', () => {
  it('finds the one sequence on which two tiers part, and the instruction', () => {
    const honest = new Runner('interpreter');
    const [lahf, clc] = [0x9f, 0xf8];
    // This tier takes LAHF for CLC.
    const wrong: Runs = {
      run: (code, at, seed, limit) =>
        honest.run(
          code.map((byte) => (byte === lahf ? clc : byte)),
          at,
          seed,
          limit,
        ),
    };
    const one = (text: string) => ({ text, bytes: assembleText(text, { bits: 32 }) });
    const pool = ['inc eax', 'lahf', 'add ebx, ecx', 'cmc', 'xor edx, edx'].map(one);
    const difference = new Differ(pool, new Runner('interpreter'), wrong).check(1);
    expect(difference?.sequences).toEqual(['lahf']);
    // Three instructions stand at the head of the loop.
    expect(difference?.instructions).toBe(4);
    expect(difference?.words.length).toBeGreaterThan(0);
  });
});

describe('random programs', () => {
  it(
    'end in the same state in both tiers',
    () => {
      const pool = makeSequences(new RandomNumbers(firstSeed), 6);
      expect(pool).toHaveLength(patterns.length * 6);
      const differ = new Differ(pool);
      const differences = [];
      for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
        const difference = differ.check(seed);
        if (difference !== undefined) differences.push(difference);
        if (differences.length >= 8) break;
      }
      expect(differences).toEqual([]);
      expect(differ.translatedShare).toBeGreaterThan(0.8);
    },
    programs * 100 + 60_000,
  );
});
