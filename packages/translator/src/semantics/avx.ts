/** AVX: what SSE has, with VEX, lane by lane; what only AVX has is in files of their own. */
import { FORMS_BY_MNEMONIC } from '@ringfence/isa';
import { CpuState } from '@ringfence/memory';
import { avxFused } from './avx-fused.ts';
import { avxGathers } from './avx-gather.ts';
import { inLanes } from './avx-lanes.ts';
import type { LaneRules } from './avx-lanes.ts';
import { avxMoves } from './avx-move.ts';
import { avxPermutes } from './avx-permute.ts';
import { extendedStates } from './extended-state.ts';
import { floatArithmetics } from './float-arithmetic.ts';
import { floatConversion } from './float-convert.ts';
import { floatScalars } from './float-scalar.ts';
import { packedInteger } from './packed-integer.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { zeroVector } from './vector.ts';
import { vectorCrypto } from './vector-crypto.ts';
import { vectorMoves } from './vector-move.ts';
import { vectorShuffles } from './vector-shuffle.ts';
import { vectorStrings } from './vector-string.ts';

const rulesOf: Readonly<Record<string, LaneRules>> = {
  MPSADBW: { shift: 3 },
  SHUFPD: { shift: 2 },
  BLENDPS: { shift: 4 },
  BLENDPD: { shift: 2 },
  CVTPD2PS: { narrows: true, isFloat: true },
  CVTPD2DQ: { narrows: true, isFloat: true },
  CVTTPD2DQ: { narrows: true, isFloat: true },
};

/** The result of a string comparison is in XMM0, which no operand names. */
function clearsHigh(build: Semantics): Semantics {
  return (c) => {
    build(c);
    c.b.store('v128.store', CpuState.ymmHigh, zeroVector(c));
  };
}

function fromSse(table: SemanticsTable, rules: LaneRules = {}): SemanticsTable {
  const made: Record<string, Semantics> = {};
  for (const [name, build] of Object.entries(table)) {
    if (!FORMS_BY_MNEMONIC.has(`V${name}`)) continue;
    const semantics = inLanes(build, rulesOf[name] ?? rules);
    made[`V${name}`] = /^PCMP[EI]STRM$/.test(name) ? clearsHigh(semantics) : semantics;
  }
  return made;
}

/** Semantics of the tables of AVX. */
export const avx: SemanticsTable = {
  ...fromSse(packedInteger),
  ...fromSse(vectorMoves),
  ...fromSse(vectorShuffles),
  ...fromSse(vectorCrypto),
  ...fromSse(vectorStrings),
  ...fromSse(floatArithmetics, { isFloat: true }),
  ...fromSse(floatConversion, { isFloat: true }),
  ...fromSse(floatScalars),
  ...fromSse(extendedStates),
  ...avxMoves,
  ...avxGathers,
  ...avxFused,
  ...avxPermutes,
};
