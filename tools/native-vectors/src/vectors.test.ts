import { statSync } from 'node:fs';
import { INVALID_LOCK, Instruction, decodeInto } from '@ringfence/decoder';
import { FORMS } from '@ringfence/isa';
import { describe, expect, it } from 'vitest';
import { exclusionReason } from './exclusions.ts';
import { FAMILIES, vectorFile } from './families.ts';
import { formKey } from './form-key.ts';
import { CODE, DATA, DATA_END } from './layout.ts';
import { readHeader, readVectors } from './vector-file.ts';
import type { VectorCase } from './vector-file.ts';

function* allVectors(): Iterable<VectorCase> {
  for (const family of FAMILIES) yield* readVectors(vectorFile(family));
}

const name = ({ form, number, code }: VectorCase): string =>
  `${form} #${number} ${Buffer.from(code).toString('hex')}`;

/** Fewest cases that a form may have. */
const ENOUGH = 10;

describe('coverage', () => {
  const counts = new Map<string, number>();
  for (const { form } of allVectors()) counts.set(form, (counts.get(form) ?? 0) + 1);

  it('has cases for every form that a 32-bit user process can run', () => {
    const missing = FORMS.filter((form) => exclusionReason(form) === undefined)
      .map(formKey)
      .filter((key) => (counts.get(key) ?? 0) < ENOUGH);
    expect(missing).toEqual([]);
  });

  it('gives a reason only for forms without cases', () => {
    const excluded = FORMS.filter((form) => exclusionReason(form) !== undefined);
    expect(excluded.map(formKey).filter((key) => counts.has(key))).toEqual([]);
  });

  it('has no cases of forms that the tables do not have', () => {
    const known = new Set(FORMS.map(formKey));
    expect([...counts.keys()].filter((key) => !known.has(key))).toEqual([]);
  });

  it('names every form differently', () => {
    expect(new Set(FORMS.map(formKey)).size).toBe(FORMS.length);
  });

  it('stays under eight megabytes', () => {
    const sizes = FAMILIES.map((family) => statSync(vectorFile(family)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(8 << 20);
  });
});

describe('every case', () => {
  it('decodes to its form, with its whole length', () => {
    const instruction = new Instruction();
    const wrong: string[] = [];
    for (const vector of allVectors()) {
      const { code } = vector;
      const length = decodeInto(instruction, code, 0, code.length, 32);
      if (length === INVALID_LOCK && vector.fault?.vector === 6) continue;
      const form = FORMS[instruction.form];
      const same = form !== undefined && formKey(form) === vector.form;
      if (length !== code.length || !same) wrong.push(name(vector));
    }
    expect(wrong).toEqual([]);
  });

  it('names the processor that ran it', () => {
    for (const family of FAMILIES)
      expect(readHeader(vectorFile(family)).processor).toMatch(/family/);
  });

  it('page faults only outside of what is mapped', () => {
    const wrong: string[] = [];
    for (const vector of allVectors()) {
      if (vector.fault?.vector !== 14) continue;
      const { address } = vector.fault;
      const data = address >= DATA && address < DATA_END;
      if (data) wrong.push(name(vector));
    }
    expect(wrong).toEqual([]);
  });

  it('leaves the registers alone when it faults, except for repeated string instructions', () => {
    const wrong: string[] = [];
    for (const vector of allVectors()) {
      if (vector.fault === undefined || vector.fault.vector === 4) continue;
      if (vector.code[0] === 0xf3 || vector.code[0] === 0xf2) continue;
      const { before, after } = vector;
      const same =
        Buffer.compare(before.bytes.subarray(0, 136), after.bytes.subarray(0, 136)) === 0;
      if (!same || after.eip !== CODE) wrong.push(name(vector));
    }
    expect(wrong).toEqual([]);
  });
});

describe('results that are known', () => {
  const casesOf = (form: string): VectorCase[] =>
    [...readVectors(vectorFile('integer'))].filter((vector) => vector.form === form);

  it('adds registers as the manual says', () => {
    const checked = casesOf('ADD Gv, Ev | 03 /r').filter((vector) => {
      const [first = 0, modrm = 0] = vector.code;
      if (first !== 0x03 || modrm < 0xc0) return false;
      const [to, from] = [(modrm >> 3) & 7, modrm & 7];
      const [left, right] = [vector.before.gpr(to), vector.before.gpr(from)];
      const sum = (left + right) >>> 0;
      expect(vector.after.gpr(to), name(vector)).toBe(sum);
      expect(vector.after.eflags & 1, name(vector)).toBe(left + right > 0xffffffff ? 1 : 0);
      expect((vector.after.eflags >> 6) & 1, name(vector)).toBe(sum === 0 ? 1 : 0);
      expect((vector.after.eflags >> 7) & 1, name(vector)).toBe(sum >>> 31);
      const overflow = (~(left ^ right) & (left ^ sum)) >>> 31;
      expect((vector.after.eflags >> 11) & 1, name(vector)).toBe(overflow);
      return true;
    });
    expect(checked.length).toBeGreaterThan(4);
  });

  it('takes each conditional jump according to the flags', () => {
    const checked = casesOf('JE Jb | 74').filter((vector) => {
      if (vector.code.length !== 2) return false;
      const [, distance = 0] = vector.code;
      const next = CODE + 2;
      const taken = (vector.before.eflags & 0x40) !== 0;
      const target = next + ((distance << 24) >> 24);
      expect(vector.after.eip, name(vector)).toBe(taken ? target : next);
      return true;
    });
    expect(checked.length).toBeGreaterThan(4);
  });

  it('faults on division by zero', () => {
    const zero = casesOf('DIV Eb | F6 /6').filter((vector) => vector.fault?.vector === 0);
    expect(zero.length).toBeGreaterThan(4);
  });

  it('stops repeated stores at the page that is missing', () => {
    const faults = casesOf('STOSB Yb, AL | AA').filter(
      ({ fault, code, before, after }) =>
        fault?.vector === 14 && code[0] === 0xf3 && before.gpr(1) !== after.gpr(1),
    );
    for (const { fault, after } of faults) expect(after.gpr(7) & 0xffff).toBe(fault?.address);
    expect(faults.length).toBeGreaterThan(0);
  });
});
