import { FORMS } from '@ringfence/isa';
import {
  APPROXIMATE,
  FAMILIES,
  differences,
  formKey,
  readVectors,
  vectorFile,
} from '@ringfence/native-vectors';
import type { MachineState, VectorCase } from '@ringfence/native-vectors';
import { describe, expect, it } from 'vitest';
import { SEMANTICS } from './index.ts';
import { VectorRunner } from './test-vector-runner.ts';
import { acceptNeighbours } from './test-x87-tolerance.ts';

const formByKey = new Map(FORMS.map((form) => [formKey(form), form]));

/** Where processors may differ, and ours is not the one that made the cases. */
function isImplementationSpecific({ form, fault }: VectorCase): boolean {
  // Whether masked bytes fault, and whether a fault comes after the MMX state change: SDM vol. 2B.
  return form.startsWith('MASKMOVQ') && fault !== undefined;
}

/** The error bound of RCPPS and RSQRTPS, of both sides: 1.5 * 2^-12 each (SDM vol. 2B, RCPPS). */
const tolerance = 3 / 4096;

/** Takes over the expected single-precision lanes that the result is close enough to. */
function acceptClose(vector: VectorCase, state: MachineState): void {
  for (let index = 0; index < 8; index++) {
    acceptCloseLanes(vector.after.xmm(index), state.xmm(index));
    acceptCloseLanes(vector.after.ymmHigh(index), state.ymmHigh(index));
  }
}

function acceptCloseLanes(want: Uint8Array, have: Uint8Array): void {
  const views = [want, have].map(({ buffer, byteOffset }) => new DataView(buffer, byteOffset, 16));
  for (let at = 0; at < 16; at += 4) {
    const [expected = 0, actual = 0] = views.map((view) => view.getFloat32(at, true));
    if (Math.abs(actual - expected) > tolerance * Math.abs(expected)) continue;
    have.set(want.subarray(at, at + 4), at);
  }
}

/** Operations that other descriptor tables than the flat ones, or interrupts, must serve. */
const served: ReadonlySet<string> = new Set(
  'POPF POP MOV LES LDS LSS LFS LGS JMP CALL RETF IRET INTO VERR VERW LAR LSL'.split(' '),
);

const runs = FAMILIES.flatMap((family) => [
  [family, 'flat', true] as const,
  [family, 'bounded', false] as const,
]);

describe.each(runs)('the processor and the semantics agree about %s in %s segments', (...run) => {
  const [family, , flat] = run;
  const runner = new VectorRunner(flat);
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
    if (APPROXIMATE.has(operation)) {
      if (family === 'x87') acceptNeighbours(vector, state);
      else acceptClose(vector, state);
    }
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
