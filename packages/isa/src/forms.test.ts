import { describe, expect, it } from 'vitest';
import { Access, Location } from './form.ts';
import type { Form } from './form.ts';
import { FORMS, FORMS_BY_MNEMONIC } from './forms.ts';
import { operandBytes } from './operand-size.ts';

const nameOf = (form: Form): string => `${form.mnemonic} ${form.encoding}`;

describe('FORMS', () => {
  it('are numbered by their position', () => {
    expect(FORMS.filter((form, position) => form.index !== position)).toEqual([]);
  });

  it('use size letters that are known', () => {
    const codes = FORMS.flatMap((form) => form.operands.flatMap((o) => [o.size, o.memorySize]));
    const sizes = [...new Set(codes)].flatMap((code) =>
      ([16, 32, 64] as const).map((size) => operandBytes(code, size)),
    );
    expect(sizes.every((size) => Number.isInteger(size))).toBe(true);
  });

  it('encode each operand of ModRM only where there is a ModRM byte', () => {
    const fromModrm = new Set<number>([
      Location.rmGpr,
      Location.rmGprOnly,
      Location.memory,
      Location.regGpr,
      Location.segment,
      Location.control,
      Location.debug,
      Location.sti,
      Location.regMm,
      Location.rmMm,
      Location.rmMmOnly,
      Location.regXmm,
      Location.rmXmm,
      Location.rmXmmOnly,
    ]);
    const wrong = FORMS.filter(
      (form) => !form.hasModrm && form.operands.some(({ location }) => fromModrm.has(location)),
    );
    expect(wrong.map(nameOf)).toEqual([]);
  });

  it('have a free reg field where an operand is in it', () => {
    const inReg = new Set<number>([Location.regGpr, Location.regMm, Location.regXmm]);
    const wrong = FORMS.filter(
      (form) => form.digit >= 0 && form.operands.some(({ location }) => inReg.has(location)),
    );
    expect(wrong.map(nameOf)).toEqual([]);
  });

  it('may be locked only when they read and write their first operand', () => {
    const wrong = FORMS.filter(
      (form) => form.lockable && form.operands[0]?.access !== Access.readWrite,
    );
    expect(wrong.map(nameOf)).toEqual([]);
  });

  it('are valid in some mode', () => {
    expect(FORMS.filter((form) => !form.legacy && !form.long).map(nameOf)).toEqual([]);
  });

  it('do not say twice what happens to a flag', () => {
    const wrong = FORMS.filter(({ flags }) => {
      const { written, cleared, set, undefined: unknown } = flags;
      const masks = [written, cleared, set, unknown];
      return masks.reduce((sum, mask) => sum + mask, 0) !== flags.modified;
    });
    expect(wrong.map(nameOf)).toEqual([]);
  });

  it('name each encoding once', () => {
    const keys = FORMS.map((form) => {
      const modes = `${form.legacy} ${form.long}`;
      return `${form.encoding} ${form.mod} ${modes}`;
    });
    const twice = keys.filter((key, position) => keys.indexOf(key) !== position);
    expect(twice).toEqual([]);
  });
});

describe('FORMS_BY_MNEMONIC', () => {
  it('finds a form by each of its names', () => {
    const found = ['CBW', 'CWDE', 'CDQE'].map((name) => FORMS_BY_MNEMONIC.get(name)?.[0]?.index);
    expect(new Set(found).size).toBe(1);
    expect(found[0]).toBeTypeOf('number');
  });

  it('keeps MOVSD of SSE2 and of strings apart by their operands', () => {
    const forms = FORMS_BY_MNEMONIC.get('MOVSD') ?? [];
    expect(new Set(forms.map((form) => form.mnemonic))).toEqual(new Set(['MOVSW', 'MOVSD']));
  });
});
