import { FORMS, Location } from '@ringfence/isa';
import { describe, expect, it } from 'vitest';
import { interpreterIr } from '../interpreter/handlers.ts';
import { SEMANTICS } from './index.ts';
import { withoutSemantics } from './unimplemented.ts';

describe('semantics', () => {
  const operations = new Set(FORMS.map((form) => form.operation));

  it('exist for every operation of the tables that is not listed as absent', () => {
    const missing = [...operations].filter(
      (name) => !SEMANTICS.has(name) && !withoutSemantics.has(name),
    );
    expect(missing).toEqual([]);
  });

  it('are not listed as absent where they exist, nor for operations that do not', () => {
    const wrong = [...withoutSemantics.keys()].filter(
      (name) => SEMANTICS.has(name) || !operations.has(name),
    );
    expect(wrong).toEqual([]);
  });

  it('name only operations of the tables', () => {
    expect([...SEMANTICS.keys()].filter((name) => !operations.has(name))).toEqual([]);
  });

  it('build for every form, operand size and address size of 16 and 32-bit code', () => {
    let built = 0;
    for (const form of FORMS) {
      if (!form.legacy || !SEMANTICS.has(form.operation)) continue;
      for (const size of [0, 1]) {
        for (const memory of form.operands.some(usesModrm) ? [0, 1] : [0]) {
          if (memory === 0 && form.mod === 'memory') continue;
          if (memory === 1 && (form.mod === 'register' || form.mod === 'ignored')) continue;
          for (const flat of [0, 3]) {
            const repeat = form.repeat === 'none' ? 0 : 1 << 22;
            const sizes = (size << 12) | (size << 14) | (size << 20);
            interpreterIr(form.index | sizes | (memory << 16) | (flat << 18) | repeat);
            built++;
          }
        }
      }
    }
    expect(built).toBeGreaterThan(2000);
  });
});

function usesModrm(operand: { readonly location: number }): boolean {
  const { location } = operand;
  return (
    location === Location.rmGpr ||
    location === Location.memory ||
    location === Location.vectorMemory ||
    location === Location.rmMm ||
    location === Location.rmXmm
  );
}
