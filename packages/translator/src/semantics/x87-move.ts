/** x87 loads, stores and moves between registers: SDM vol. 1, 8.3.3 and 8.3.4. */
import type { Value } from '../ir/value.ts';
import { CpuState } from '@ringfence/memory';
import { preventStore } from '../runtime/x87-convert.ts';
import { pendingWord, resultSlot } from '../runtime/x87-format.ts';
import type { InstructionContext } from './context.ts';
import { storeOf } from './context.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import {
  beginX87,
  loadLongInteger,
  loadOperand,
  readTenBytes,
  recordPointers,
} from './x87-memory.ts';
import { requireReady } from './x87-state.ts';

/** A single, a double, or an integer that a double holds. */
function loadNarrow(c: InstructionContext): void {
  const { bits, format } = loadOperand(c, 0);
  c.b.call(`x87Load${format}`, 'void', bits);
}

function loadInteger(c: InstructionContext): void {
  if (c.bytes(0) < 8) {
    loadNarrow(c);
    return;
  }
  loadLongInteger(c, 0);
  c.b.call('x87Load', 'void', c.b.i32(0));
}

function load(c: InstructionContext): void {
  const b = c.b;
  if (!c.isMemory(0)) {
    beginX87(c);
    b.call('x87LoadStack', 'void', c.source.stNumber(0));
  } else if (c.bytes(0) === 10) {
    const { low, high } = readTenBytes(c, 0);
    b.call('x87PushNumber', 'void', high, low);
  } else {
    loadNarrow(c);
  }
}

/** Whether the pending exceptions let a result be stored in memory. */
function mayStore(c: InstructionContext): Value {
  const b = c.b;
  const unmasked = b.not(b.load('i32.load', CpuState.fpuControl));
  return b.eqz(b.and(b.and(b.load('i32.load', pendingWord), unmasked), preventStore));
}

/**
 * Stores to memory, if the exceptions that the conversion found allow it; then they are reported.
 */
function storeMemory(c: InstructionContext, pop: boolean, store: (linear: Value) => void): void {
  const b = c.b;
  // An address that faults does so even if nothing is stored.
  const bytes = c.bytes(0);
  const linear = c.linear(0, bytes, true);
  b.guestProbe(bytes, linear);
  b.if(mayStore(c), () => store(linear));
  recordPointers(c);
  b.call('x87FinishStore', 'void', b.i32(pop ? 1 : 0));
}

/** The ten bytes of the result slot. */
function storeTenBytes(c: InstructionContext): void {
  const b = c.b;
  storeMemory(c, true, (linear) => {
    b.guestStore('i64.store', linear, b.load('i64.load', resultSlot));
    const high = b.load('i32.load16_u', resultSlot + 8);
    b.guestStore('i32.store16', b.add(linear, 8), high);
  });
}

function store(pop: boolean): Semantics {
  return (c) => {
    const b = c.b;
    if (!c.isMemory(0)) {
      beginX87(c);
      const popping = b.i32(pop ? 1 : 0);
      b.call('x87CopyTop', 'void', c.source.stNumber(0), popping);
      return;
    }
    requireReady(c);
    const bytes = c.bytes(0);
    if (bytes === 10) {
      b.call('x87ToExtended', 'void');
      storeTenBytes(c);
      return;
    }
    const bits = b.call(bytes === 8 ? 'x87NarrowF64' : 'x87NarrowF32', 'i64');
    storeMemory(c, pop, (linear) => {
      b.guestStore(storeOf[bytes] ?? '', linear, bytes === 8 ? bits : b.wrap(bits));
    });
  };
}

function storeInteger(pop: boolean, truncate: boolean): Semantics {
  return (c) => {
    const b = c.b;
    requireReady(c);
    const bytes = c.bytes(0);
    const mode = b.i32(truncate ? 1 : 0);
    const value = b.call('x87RoundTop', 'i64', b.i32(8 * bytes), mode);
    storeMemory(c, pop, (linear) => {
      b.guestStore(storeOf[bytes] ?? '', linear, bytes === 8 ? value : b.wrap(value));
    });
  };
}

/**
 * A constant: the significand rounded down, the exponent, and by how much rounding to nearest and
 * up raise it (SDM vol. 2A, FLDPI: the constants are held with 66 bits and rounded by RC).
 */
function constant(word: number, significand: bigint, nearest: 0 | 1, up: 0 | 1): Semantics {
  return (c) => {
    const b = c.b;
    beginX87(c);
    b.call('x87LoadConstant', 'void', b.i32(word), b.i64(significand), b.i32(nearest), b.i32(up));
  };
}

/** FCMOVcc by condition code; FCMOVU is the parity flag. */
const conditions: Readonly<Record<string, number>> = {
  FCMOVB: 2,
  FCMOVE: 4,
  FCMOVBE: 6,
  FCMOVU: 10,
  FCMOVNB: 3,
  FCMOVNE: 5,
  FCMOVNBE: 7,
  FCMOVNU: 11,
};

function moveIf(code: number): Semantics {
  return (c) => {
    beginX87(c);
    const condition: Value = c.b.ne(c.flags.condition(code), 0);
    c.b.call('x87MoveIf', 'void', condition, c.source.stNumber(1));
  };
}

/** FLD, FST, FILD, FIST, FISTTP, FBLD, FBSTP, FXCH, FCMOVcc and the constants. */
export const x87MoveSemantics: SemanticsTable = {
  FLD: load,
  FST: store(false),
  FSTP: store(true),
  FSTPNCE: (c) => {
    beginX87(c);
    c.b.call('x87CopyUnchecked', 'void', c.source.stNumber(0));
  },
  FILD: loadInteger,
  FIST: storeInteger(false, false),
  FISTP: storeInteger(true, false),
  FISTTP: storeInteger(true, true),
  FBLD: (c) => {
    const { low, high } = readTenBytes(c, 0);
    c.b.call('x87FromDecimal', 'void', low, high);
    c.b.call('x87Load', 'void', c.b.i32(0));
  },
  FBSTP: (c) => {
    requireReady(c);
    c.b.call('x87ToDecimal', 'void');
    storeTenBytes(c);
  },
  FXCH: (c) => {
    beginX87(c);
    c.b.call('x87Swap', 'void', c.source.stNumber(1));
  },
  ...Object.fromEntries(Object.entries(conditions).map(([name, code]) => [name, moveIf(code)])),
  FLDZ: constant(0, 0n, 0, 0),
  FLD1: constant(0x3fff, 0x8000_0000_0000_0000n, 0, 0),
  FLDL2T: constant(0x4000, 0xd49a_784b_cd1b_8afen, 0, 1),
  FLDL2E: constant(0x3fff, 0xb8aa_3b29_5c17_f0bbn, 1, 1),
  FLDPI: constant(0x4000, 0xc90f_daa2_2168_c234n, 1, 1),
  FLDLG2: constant(0x3ffd, 0x9a20_9a84_fbcf_f798n, 1, 1),
  FLDLN2: constant(0x3ffe, 0xb172_17f7_d1cf_79abn, 1, 1),
};
