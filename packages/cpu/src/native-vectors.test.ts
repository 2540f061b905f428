/**
 * Every case of the native vectors on a whole CPU: privilege 3, paging, exceptions through an IDT.
 */
import { FORMS } from '@ringfence/isa';
import {
  APPROXIMATE,
  FAMILIES,
  differences,
  formKey,
  readVectors,
  vectorFile,
} from '@ringfence/native-vectors';
import type { VectorCase } from '@ringfence/native-vectors';
import { hasSemantics } from '@ringfence/translator';
import { describe, expect, it } from 'vitest';
import { VectorRunner } from './test-vectors.ts';

const formByKey = new Map(FORMS.map((form) => [formKey(form), form]));

/** Cases in which processors differ, and ours is not the one that made them. */
function isImplementationSpecific({ form, fault }: VectorCase): boolean {
  if (fault?.vector !== 14 && fault?.vector !== 13) return false;
  // Whether masked bytes fault, and whether a fault comes after the MMX state change: SDM vol. 2B.
  if (form.startsWith('MASKMOVQ')) return true;
  // Which of several words on a missing page is touched first: the order is no one's promise.
  return /^(CALL [AM]p|IRET|FLDENV|FNSTENV|FNSAVE|FRSTOR) /.test(`${form} `);
}

/** Families whose instructions may have to report an x87 exception: regions leave them out. */
const interpretedOnly: ReadonlySet<string> = new Set(['x87', 'mmx']);

interface Comparison {
  readonly wrong: readonly string[];
  readonly compared: number;
}

/** Runs every case whose number `step` divides. */
function compare(runner: VectorRunner, family: string, step: number): Comparison {
  const wrong: string[] = [];
  let compared = 0;
  for (const vector of readVectors(vectorFile(family))) {
    const form = formByKey.get(vector.form);
    if (vector.number % step !== 0 || form === undefined || !hasSemantics(form.index)) continue;
    // The semantics' own test compares approximations, within their bound.
    if (APPROXIMATE.has(form.operation) || isImplementationSpecific(vector)) continue;
    const { state, fault } = runner.run(vector);
    compared++;
    const found = differences(vector, state, fault);
    if (found.length > 0) wrong.push(`${vector.form} #${vector.number}: ${found.join('; ')}`);
  }
  return { wrong: wrong.slice(0, 20), compared };
}

describe.each(FAMILIES)('the processor and the virtual CPU agree about %s', (family) => {
  it('in every case, interpreted', () => {
    const { wrong, compared } = compare(new VectorRunner(), family, 1);
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(200);
  });

  it('in one of sixteen cases, each translated as a region', () => {
    const runner = new VectorRunner('translator');
    const { wrong, compared } = compare(runner, family, 16);
    expect(wrong).toEqual([]);
    if (!interpretedOnly.has(family)) expect(runner.regions).toBeGreaterThan(compared / 4);
  });
});
