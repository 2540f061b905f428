/**
 * INT n through a 32-bit interrupt or trap gate between flat segments (SDM 2A INT n, 3A 6.12), to
 * the same level or, by the stack of a 32-bit TSS, to an inner one. As in `privilege.ts`: 0, with
 * nothing changed, where anything else is asked for.
 *
 * Hot: system calls by INT 0x80; measured by tools/bench (system-int).
 */
import {
  CpuState,
  Gpr,
  Layout,
  pageBytes,
  SegmentField,
  SegmentRegister,
  segmentBytes,
} from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value, Variable } from '../ir/value.ts';
import { lookup } from './access.ts';
import {
  attributesOf,
  type Descriptor,
  levelOf,
  readDescriptor,
  refuseIf,
  setFlat,
} from './descriptor.ts';
import {
  flatCodeHigh,
  flatDataHigh,
  flatHighMask,
  flatLow,
  readFlat,
  refuseOtherModes,
  setLevel,
} from './privilege.ts';
import type { RuntimeFunction } from './runtime-function.ts';

const writeEntry = 4;
const stackPointer = CpuState.gpr + 8 * Gpr.rsp;

/** Bits of EFLAGS. */
const flag = { trap: 1 << 8, interrupt: 1 << 9, nested: 1 << 14, resume: 1 << 16 } as const;

/** A 32-bit interrupt or trap gate that is present: bits of its second doubleword. */
const gateMask = 0x9e00;
const gate = 0x8e00;
const trapGate = 0x100;

/** Set in the type of a 32-bit TSS. */
const task32 = 8;

function field(register: number, name: keyof typeof SegmentField): number {
  return CpuState.segments + segmentBytes * register + SegmentField[name];
}

/** Address in linear memory of `bytes` at a linear address, with supervisor privilege. */
function systemAddress(b: IrBuilder, linear: Value, bytes: number, kind: number): Value {
  refuseIf(b, b.gtU(b.and(linear, pageBytes - 1), pageBytes - bytes));
  const entry = lookup(b, linear, kind, CpuState.dirSystem);
  refuseIf(b, b.and(entry, 1));
  return b.add(b.add(linear, entry), Layout.ram);
}

/** The gate of a vector, which CPL may use. */
function readGate(b: IrBuilder, vector: Value): Descriptor {
  const offset = b.shl(vector, 3);
  refuseIf(b, b.gtU(b.or(offset, 7), b.load('i32.load', CpuState.idtr + 8)));
  const at = systemAddress(b, b.add(b.load('i32.load', CpuState.idtr), offset), 8, 0);
  const low = b.load('i32.load', 0, at);
  const high = b.load('i32.load', 4, at);
  refuseIf(b, b.ne(b.and(high, gateMask), gate));
  refuseIf(b, b.ltU(levelOf(b, { low, high }), b.load('i32.load', CpuState.cpl)));
  return { low, high };
}

/** The stack of an inner level: where its frame goes, and SS. */
function innerStack(b: IrBuilder, level: Value, frame: Variable, esp: Variable): () => void {
  const { tr, ss } = SegmentRegister;
  refuseIf(b, b.eqz(b.and(b.load('i32.load', field(tr, 'attributes')), task32)));
  const offset = b.add(b.shl(level, 3), 4);
  refuseIf(b, b.gtU(b.add(offset, 5), b.load('i32.load', field(tr, 'limit'))));
  const at = systemAddress(b, b.add(b.load('i32.load', field(tr, 'base')), offset), 8, 0);
  const selector = b.load('i32.load16_u', 4, at);
  const descriptor = readFlat(b, selector, level, flatDataHigh);
  const inner = b.sub(b.load('i32.load', 0, at), 20);
  b.set(frame, systemAddress(b, inner, 20, writeEntry));
  b.set(esp, inner);
  return () => {
    b.store('i32.store', 12, b.load('i32.load', stackPointer), b.get(frame));
    b.store('i32.store', 16, b.load('i32.load', field(ss, 'selector')), b.get(frame));
    setFlat(b, ss, selector, attributesOf(b, descriptor), false);
  };
}

/** The stack that is in use: where its frame goes. */
function sameStack(b: IrBuilder, frame: Variable, esp: Variable): void {
  const inner = b.sub(b.load('i32.load', stackPointer), 12);
  refuseIf(b, b.gtU(b.and(inner, pageBytes - 1), pageBytes - 12));
  const entry = lookup(b, inner, writeEntry);
  refuseIf(b, b.or(b.and(entry, 1), b.load('i32.load', CpuState.alignmentCheck)));
  b.set(frame, b.add(b.add(inner, entry), Layout.ram));
  b.set(esp, inner);
}

/** INT n: vector, EIP behind it, and EFLAGS as they are. */
export const softwareInterrupt: RuntimeFunction = {
  name: 'softwareInterrupt',
  parameters: ['i32', 'i32', 'i32'],
  results: ['i32'],
  build: (b, vector, next, image) => {
    if (vector === undefined || next === undefined || image === undefined) return;
    const system = b.load('i32.load', CpuState.eflags);
    refuseOtherModes(b, system);
    const { low, high } = readGate(b, vector);
    const selector = b.shrU(low, 16);
    refuseIf(b, b.eqz(b.and(selector, 0xfffc)));
    const code = readDescriptor(b, selector);
    const isFlat = b.eq(b.and(code.high, flatHighMask), flatCodeHigh);
    refuseIf(b, b.or(b.ne(code.low, flatLow), b.eqz(isFlat)));
    const level = levelOf(b, code);
    const cpl = b.load('i32.load', CpuState.cpl);
    refuseIf(b, b.gtU(level, cpl));
    const frame = b.variable('i32', b.i32(0));
    const esp = b.variable('i32', b.i32(0));
    b.if(
      b.ltU(level, cpl),
      () => innerStack(b, level, frame, esp)(),
      () => sameStack(b, frame, esp),
    );
    b.store('i32.store', 0, next, b.get(frame));
    b.store(
      'i32.store',
      4,
      b.load('i32.load', field(SegmentRegister.cs, 'selector')),
      b.get(frame),
    );
    b.store('i32.store', 8, b.and(image, ~flag.resume), b.get(frame));
    b.store('i32.store', stackPointer, b.get(esp));
    const always = flag.trap | flag.resume | flag.nested;
    const enables = b.select(b.and(high, trapGate), b.i32(0), b.i32(flag.interrupt));
    b.store('i32.store', CpuState.eflags, b.and(system, b.not(b.or(enables, always))));
    const visible = b.or(b.and(selector, 0xfffc), level);
    setFlat(b, SegmentRegister.cs, visible, attributesOf(b, code), true);
    setLevel(b, level);
    const eip = b.or(b.and(low, 0xffff), b.and(high, 0xffff_0000 | 0));
    b.store('i32.store', CpuState.target, eip);
    b.return(b.i32(1));
  },
};
