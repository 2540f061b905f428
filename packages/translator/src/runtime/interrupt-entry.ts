/**
 * INT n and page faults through a 32-bit interrupt or trap gate between flat segments (SDM 2A
 * INT n, 3A 6.12), to the same level or, by the stack of a 32-bit TSS, to an inner one. As in
 * `privilege.ts`: 0, with nothing changed, where anything else is asked for.
 *
 * Hot: system calls by INT 0x80, page faults; measured by tools/bench (system-int, page-faults).
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
import { FlagsBuilder } from '../semantics/flags.ts';
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
const debugRegister7 = CpuState.dr + 7 * 8;

/** Bits of EFLAGS. */
const flag = { trap: 1 << 8, interrupt: 1 << 9, nested: 1 << 14, resume: 1 << 16 } as const;

/** A 32-bit interrupt or trap gate that is present: bits of its second doubleword. */
const gateMask = 0x9e00;
const gate = 0x8e00;
const trapGate = 0x100;

/** `CpuState.faultVector` of a page fault: it has an error code. */
const pageFault = 0x10e;

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

/** What is delivered. */
interface Event {
  readonly vector: Value;
  /** EIP that the handler returns to. */
  readonly eip: Value;
  /** EFLAGS that it returns with. */
  readonly image: Value;
  /** Error code of an exception; absent for INT n, which a gate may be closed to. */
  readonly error?: Value;
}

/** The gate of a vector; with `forSoftware` one that CPL may use. */
function readGate(b: IrBuilder, vector: Value, forSoftware: boolean): Descriptor {
  const offset = b.shl(vector, 3);
  refuseIf(b, b.gtU(b.or(offset, 7), b.load('i32.load', CpuState.idtr + 8)));
  const at = systemAddress(b, b.add(b.load('i32.load', CpuState.idtr), offset), 8, 0);
  const low = b.load('i32.load', 0, at);
  const high = b.load('i32.load', 4, at);
  refuseIf(b, b.ne(b.and(high, gateMask), gate));
  if (forSoftware) {
    refuseIf(b, b.ltU(levelOf(b, { low, high }), b.load('i32.load', CpuState.cpl)));
  }
  return { low, high };
}

/** Where a frame goes. */
interface Frame {
  /** Its bytes without ESP and SS. */
  readonly bytes: number;
  /** Its address in linear memory. */
  readonly at: Variable;
  readonly esp: Variable;
}

/** The stack of an inner level: finds its frame, loads SS, and pushes SS and ESP as they were. */
function useInnerStack(b: IrBuilder, level: Value, { bytes, at, esp }: Frame): void {
  const { tr, ss } = SegmentRegister;
  refuseIf(b, b.eqz(b.and(b.load('i32.load', field(tr, 'attributes')), task32)));
  const offset = b.add(b.shl(level, 3), 4);
  refuseIf(b, b.gtU(b.add(offset, 5), b.load('i32.load', field(tr, 'limit'))));
  const stack = systemAddress(b, b.add(b.load('i32.load', field(tr, 'base')), offset), 8, 0);
  const selector = b.load('i32.load16_u', 4, stack);
  const descriptor = readFlat(b, selector, level, flatDataHigh);
  const inner = b.sub(b.load('i32.load', 0, stack), bytes + 8);
  b.set(at, systemAddress(b, inner, bytes + 8, writeEntry));
  b.set(esp, inner);
  b.store('i32.store', bytes, b.load('i32.load', stackPointer), b.get(at));
  b.store('i32.store', bytes + 4, b.load('i32.load', field(ss, 'selector')), b.get(at));
  setFlat(b, ss, selector, attributesOf(b, descriptor), false);
}

/** The stack that is in use: finds its frame. */
function useSameStack(b: IrBuilder, { bytes, at, esp }: Frame): void {
  const inner = b.sub(b.load('i32.load', stackPointer), bytes);
  refuseIf(b, b.gtU(b.and(inner, pageBytes - 1), pageBytes - bytes));
  const entry = lookup(b, inner, writeEntry);
  refuseIf(b, b.or(b.and(entry, 1), b.load('i32.load', CpuState.alignmentCheck)));
  b.set(at, b.add(b.add(inner, entry), Layout.ram));
  b.set(esp, inner);
}

/** Delivers an event, with the new EIP in `CpuState.target`; refuses what it cannot. */
function enter(b: IrBuilder, { vector, eip, image, error }: Event): void {
  const system = b.load('i32.load', CpuState.eflags);
  refuseOtherModes(b, system);
  const { low, high } = readGate(b, vector, error === undefined);
  const selector = b.shrU(low, 16);
  refuseIf(b, b.eqz(b.and(selector, 0xfffc)));
  const code = readDescriptor(b, selector);
  const isFlat = b.eq(b.and(code.high, flatHighMask), flatCodeHigh);
  refuseIf(b, b.or(b.ne(code.low, flatLow), b.eqz(isFlat)));
  const level = levelOf(b, code);
  const cpl = b.load('i32.load', CpuState.cpl);
  refuseIf(b, b.gtU(level, cpl));
  const bytes = error === undefined ? 12 : 16;
  const frame = { bytes, at: b.variable('i32', b.i32(0)), esp: b.variable('i32', b.i32(0)) };
  b.if(
    b.ltU(level, cpl),
    () => useInnerStack(b, level, frame),
    () => useSameStack(b, frame),
  );
  const push = (offset: number, value: Value): void => {
    b.store('i32.store', bytes - 12 + offset, value, b.get(frame.at));
  };
  if (error !== undefined) b.store('i32.store', 0, error, b.get(frame.at));
  push(0, eip);
  push(4, b.load('i32.load', field(SegmentRegister.cs, 'selector')));
  push(8, image);
  b.store('i32.store', stackPointer, b.get(frame.esp));
  const always = flag.trap | flag.resume | flag.nested;
  const enables = b.select(b.and(high, trapGate), b.i32(0), b.i32(flag.interrupt));
  b.store('i32.store', CpuState.eflags, b.and(system, b.not(b.or(enables, always))));
  const visible = b.or(b.and(selector, 0xfffc), level);
  setFlat(b, SegmentRegister.cs, visible, attributesOf(b, code), true);
  setLevel(b, level);
  const target = b.or(b.and(low, 0xffff), b.and(high, 0xffff_0000 | 0));
  b.store('i32.store', CpuState.target, target);
}

/** INT n: vector, EIP behind it, and EFLAGS as they are. */
export const softwareInterrupt: RuntimeFunction = {
  name: 'softwareInterrupt',
  parameters: ['i32', 'i32', 'i32'],
  results: ['i32'],
  build: (b, vector, next, image) => {
    if (vector === undefined || next === undefined || image === undefined) return;
    enter(b, { vector, eip: next, image: b.and(image, ~flag.resume) });
    b.return(b.i32(1));
  },
};

/**
 * A page fault that is pending, of the instruction at `CpuState.rip`. All else that is pending, and
 * what the run loop wants to see, is refused: breakpoints, single steps, the end of the budget.
 *
 * A handler that faults at once retires nothing, so that the budget alone would not bound how long
 * the host waits: `faultsLeft` does.
 */
export const deliverPageFault: RuntimeFunction = {
  name: 'deliverPageFault',
  parameters: [],
  results: ['i32'],
  build: (b) => {
    refuseIf(b, b.ne(b.load('i32.load', CpuState.faultVector), pageFault));
    const left = b.load('i32.load', CpuState.faultsLeft);
    refuseIf(b, b.eqz(left));
    refuseIf(b, b.ltS(b.load('i32.load', CpuState.budget), 2));
    const { singleElements, returnsSlowly } = CpuState;
    refuseIf(b, b.or(b.load('i32.load', singleElements), b.load('i32.load', returnsSlowly)));
    refuseIf(b, b.and(b.load('i32.load', debugRegister7), 0xff));
    const flags = b.or(b.load('i32.load', CpuState.eflags), new FlagsBuilder(b).toEflags());
    const error = b.load('i32.load', CpuState.faultError);
    const eip = b.load('i32.load', CpuState.rip);
    enter(b, { vector: b.i32(pageFault & 0xff), eip, image: b.or(flags, flag.resume), error });
    b.store('i32.store', CpuState.faultVector, b.i32(-1));
    b.store('i32.store', CpuState.faultsLeft, b.sub(left, 1));
    b.return(b.i32(1));
  },
};
