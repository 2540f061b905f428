import { FORMS } from '@ringfence/isa';
import { FAMILIES, differences, formKey, readVectors, vectorFile } from '@ringfence/native-vectors';
import type { VectorCase } from '@ringfence/native-vectors';
import { describe, expect, it } from 'vitest';
import { SEMANTICS } from './index.ts';
import { VectorRunner } from './vector-runner.ts';

const formByKey = new Map(FORMS.map((form) => [formKey(form), form]));

/** Where processors may differ, and ours is not the one that made the cases. */
function isImplementationSpecific({ form, fault }: VectorCase): boolean {
  // Whether masked bytes fault, and whether a fault comes after the MMX state change: SDM vol. 2B.
  return form.startsWith('MASKMOVQ') && fault !== undefined;
}

/** Operations that other descriptor tables than the flat ones, or interrupts, must serve. */
const served: ReadonlySet<string> = new Set(
  (
    'POPF POP MOV LES LDS LSS LFS LGS JMP CALL RETF IRET INTO VERR VERW LAR LSL ' +
    'WAIT'
  ).split(' '),
);

describe.each(FAMILIES)('the processor and the semantics agree about %s', (family) => {
  const runner = new VectorRunner();
  const wrong: string[] = [];
  const unserved = new Set<string>();
  let compared = 0;
  for (const vector of readVectors(vectorFile(family))) {
    const operation = formByKey.get(vector.form)?.operation ?? '';
    if (!SEMANTICS.has(operation) || isImplementationSpecific(vector)) continue;
    const { state, fault, needsHost } = runner.run(vector);
    if (needsHost) {
      unserved.add(operation);
      continue;
    }
    compared++;
    const found = differences(vector, state, fault);
    if (found.length > 0) wrong.push(`${vector.form} #${vector.number}: ${found.join('; ')}`);
  }

  it('in every case', () => {
    expect(wrong.slice(0, 20)).toEqual([]);
  });

  it('in some cases', () => {
    expect(compared).toBeGreaterThan(0);
  });

  it('without a host, but for the operations that need one', () => {
    expect([...unserved].filter((name) => !served.has(name))).toEqual([]);
  });
});
