/**
 * IRETD, SYSENTER and SYSEXIT between flat 32-bit segments (SDM 2A IRET, 2B SYSENTER, SYSEXIT), as
 * far as nobody but the processor is concerned. Each returns 1 with the new EIP in
 * `CpuState.target`, or 0 with nothing changed: segmentation then does it from its beginning.
 *
 * The code mode is the same before and after: flat 32-bit code with a 32-bit stack. Shadow
 * directories of both privileges are in the CPU state, so that changing CPL is two loads.
 *
 * Hot: every system call, exception and interrupt of a 32-bit kernel ends in one of them; measured
 * by tools/bench (system-enter, page-faults, fork-exec).
 */
import {
  CodeMode,
  CpuState,
  Gpr,
  Layout,
  pageBytes,
  SegmentField,
  SegmentRegister,
  segmentBytes,
} from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { lookup } from './access.ts';
import {
  attributesOf,
  type Descriptor,
  levelOf,
  readDescriptor,
  refuseIf,
  setFlat,
  setNull,
} from './descriptor.ts';
import type { RuntimeFunction } from './runtime-function.ts';

const flatMode = CodeMode.valid | CodeMode.code32 | CodeMode.stack32 | CodeMode.flat;
const protectionEnable = 1;
const supervisorAccessPrevention = 1 << 21;

/** Bits of EFLAGS. */
const flag = {
  trap: 1 << 8,
  interrupt: 1 << 9,
  direction: 1 << 10,
  iopl: 3 << 12,
  nested: 1 << 14,
  resume: 1 << 16,
  virtual8086: 1 << 17,
  alignment: 1 << 18,
  virtualInterrupt: 3 << 19,
  id: 1 << 21,
} as const;

/** Flags of which segmentation or the run loop has to know, in EFLAGS or in what IRET pops. */
const concerning = flag.trap | flag.virtual8086 | flag.alignment | flag.virtualInterrupt;

/** Low doubleword of a flat descriptor. */
export const flatLow: number = 0xffff;
/** High doubleword of flat code without DPL, AVL and L. */
export const flatCodeHigh: number = 0x00cf_9a00 | 0x100;
/** The same of flat data. */
export const flatDataHigh: number = 0x00cf_9200 | 0x100;
/** What of a high doubleword is compared with these. */
export const flatHighMask: number = 0xffcf_9fff | 0;

/** Attributes of the segments that SYSENTER and SYSEXIT load, without DPL. */
const fastCode = 0xc09b;
const fastData = 0xc093;
const userLevel = 3 << 5;

const stackPointer = CpuState.gpr + 8 * Gpr.rsp;
const controlRegister4 = CpuState.cr + 4 * 8;
const debugRegister7 = CpuState.dr + 7 * 8;

/** Refuses any mode but the flat one, and what `concerning` says. */
export function refuseOtherModes(b: IrBuilder, system: Value): void {
  const isReal = b.eqz(b.and(b.load('i32.load', CpuState.cr), protectionEnable));
  const isOther = b.ne(b.load('i32.load', CpuState.codeMode), flatMode);
  refuseIf(b, b.or(b.or(isReal, isOther), b.and(system, concerning)));
}

/** Changes CPL, and with it whose shadow directories are used; EFLAGS.AC is clear. */
export function setLevel(b: IrBuilder, level: Value): void {
  const isUser = b.eq(level, 3);
  const both = b.shl(isUser, 3);
  b.store('i32.store', CpuState.cpl, level);
  b.store('i32.store', CpuState.alignmentCheck, b.i32(0));
  b.store('i32.store', CpuState.isUser, isUser);
  b.store('i32.store', CpuState.dirData, b.load('i32.load', CpuState.directories, both));
  b.store('i32.store', CpuState.dirExec, b.load('i32.load', CpuState.directories + 4, both));
}

/** A selector of a flat segment whose DPL is its RPL, `level`; anything else is refused. */
export function readFlat(b: IrBuilder, selector: Value, level: Value, high: number): Descriptor {
  refuseIf(b, b.eqz(b.and(selector, 0xfffc)));
  refuseIf(b, b.ne(b.and(selector, 3), level));
  const descriptor = readDescriptor(b, selector);
  refuseIf(b, b.ne(descriptor.low, flatLow));
  refuseIf(b, b.ne(b.and(descriptor.high, flatHighMask), high));
  refuseIf(b, b.ne(levelOf(b, descriptor), level));
  return descriptor;
}

/** Address in linear memory of `bytes` on the stack, if they are at hand. */
function stackAddress(b: IrBuilder, pointer: Value, bytes: number): Value {
  const entry = lookup(b, pointer, 0);
  refuseIf(b, b.gtU(b.and(pointer, pageBytes - 1), pageBytes - bytes));
  refuseIf(b, b.or(b.and(entry, 1), b.load('i32.load', CpuState.alignmentCheck)));
  return b.add(b.add(pointer, entry), Layout.ram);
}

/** Arithmetic flags from an image of EFLAGS (`writeEflags` in memory). */
function setArithmeticFlags(b: IrBuilder, image: Value): void {
  const zero = b.and(image, 0x40);
  b.store('i32.store', CpuState.flagsResult, b.select(zero, b.i32(0), b.i32(0x100)));
  const carry = b.shl(image, 31);
  const overflow = b.shl(b.and(b.xor(image, b.shrU(image, 11)), 1), 30);
  const parity = b.select(b.and(image, 4), b.i32(0), b.i32(0x100));
  const rest = b.or(b.and(b.shrU(image, 1), 8), b.and(b.shrU(image, 7), 1));
  const carries = b.or(b.or(carry, overflow), b.or(parity, rest));
  b.store('i32.store', CpuState.flagsCarries, carries);
}

/** EFLAGS as IRETD loads it, at a CPL that is not 3 or with IOPL as it is. */
function setFlags(b: IrBuilder, system: Value, image: Value): void {
  const cpl = b.load('i32.load', CpuState.cpl);
  const always = flag.direction | flag.nested | flag.resume | flag.id;
  const may = b.leU(cpl, b.and(b.shrU(system, 12), 3));
  const enables = b.select(may, b.i32(flag.interrupt), b.i32(0));
  const levels = b.select(cpl, b.i32(0), b.i32(flag.iopl));
  const mask = b.or(b.or(enables, levels), always);
  const kept = b.and(system, b.not(mask));
  b.store('i32.store', CpuState.eflags, b.or(kept, b.and(image, mask)));
  setArithmeticFlags(b, image);
  b.if(b.and(image, flag.resume), () => {
    const left = b.load('i32.load', CpuState.budget);
    b.store('i32.store', CpuState.resumeAt, b.sub(b.load('i32.load', CpuState.runBudget), left));
    b.store('i32.store', CpuState.resumeNoted, b.i32(1));
  });
}

/** Whether the segment of a register is for levels below `level` only (SDM 3A 5.8.6). */
function isRevoked(b: IrBuilder, register: number, level: Value): Value {
  const at = CpuState.segments + segmentBytes * register + SegmentField.attributes;
  const attributes = b.load('i32.load', at);
  const inner = b.ltU(b.and(b.shrU(attributes, 5), 3), level);
  return b.and(inner, b.ne(b.and(attributes, 0xc), 0xc));
}

/** To an outer level: the stack comes from the frame, data segments of inner levels go. */
function returnOuter(b: IrBuilder, frame: Value, level: Value, commit: () => void): void {
  const { es, ds, fs, gs, ss } = SegmentRegister;
  refuseIf(b, b.gtU(b.and(frame, pageBytes - 1), pageBytes - 20));
  refuseIf(b, b.or(isRevoked(b, es, level), isRevoked(b, ds, level)));
  const pointer = b.load('i32.load', 12, frame);
  const selector = b.load('i32.load16_u', 16, frame);
  const descriptor = readFlat(b, selector, level, flatDataHigh);
  commit();
  setFlat(b, ss, selector, attributesOf(b, descriptor), false);
  b.store('i32.store', stackPointer, pointer);
  for (const register of [fs, gs]) {
    b.if(isRevoked(b, register, level), () => {
      setNull(b, b.i32(segmentBytes * register), b.i32(0));
    });
  }
  setLevel(b, level);
}

/** IRETD. */
const interruptReturn: RuntimeFunction = {
  name: 'interruptReturn',
  parameters: [],
  results: ['i32'],
  build: (b) => {
    const system = b.load('i32.load', CpuState.eflags);
    refuseOtherModes(b, b.or(system, b.shl(b.and(system, flag.nested), 4)));
    const waits = b.load('i32.load', CpuState.interruptWaits);
    refuseIf(b, b.or(waits, b.load('i32.load', CpuState.returnsSlowly)));
    refuseIf(b, b.and(b.load('i32.load', controlRegister4), supervisorAccessPrevention));
    refuseIf(b, b.and(b.load('i32.load', debugRegister7), 0xff));
    const pointer = b.load('i32.load', stackPointer);
    const frame = stackAddress(b, pointer, 12);
    const eip = b.load('i32.load', 0, frame);
    const selector = b.load('i32.load16_u', 4, frame);
    const image = b.load('i32.load', 8, frame);
    refuseIf(b, b.and(image, concerning));
    const level = b.and(selector, 3);
    const cpl = b.load('i32.load', CpuState.cpl);
    refuseIf(b, b.ltU(level, cpl));
    const descriptor = readFlat(b, selector, level, flatCodeHigh);
    const commit = (): void => {
      setFlags(b, system, image);
      setFlat(b, SegmentRegister.cs, selector, attributesOf(b, descriptor), true);
      b.store('i32.store', CpuState.target, eip);
    };
    b.if(
      b.eq(level, cpl),
      () => {
        commit();
        b.store('i32.store', stackPointer, b.add(pointer, 12));
      },
      () => returnOuter(b, frame, level, commit),
    );
    b.return(b.i32(1));
  },
};

/** CS of IA32_SYSENTER_CS, refused where there is none. */
function fastSelector(b: IrBuilder): Value {
  const selector = b.and(b.load('i32.load', CpuState.sysenterCs), 0xfffc);
  refuseIf(b, b.eqz(selector));
  return selector;
}

/** SYSENTER. */
const systemEnter: RuntimeFunction = {
  name: 'systemEnter',
  parameters: [],
  results: ['i32'],
  build: (b) => {
    const system = b.load('i32.load', CpuState.eflags);
    refuseOtherModes(b, system);
    const selector = fastSelector(b);
    b.store('i32.store', CpuState.eflags, b.and(system, ~flag.interrupt));
    const stack = b.and(b.add(selector, 8), 0xffff);
    setFlat(b, SegmentRegister.cs, selector, b.i32(fastCode), true);
    setFlat(b, SegmentRegister.ss, stack, b.i32(fastData), false);
    b.store('i32.store', stackPointer, b.load('i32.load', CpuState.sysenterEsp));
    b.store('i32.store', CpuState.target, b.load('i32.load', CpuState.sysenterEip));
    setLevel(b, b.i32(0));
    b.return(b.i32(1));
  },
};

/** SYSEXIT. */
const systemExit: RuntimeFunction = {
  name: 'systemExit',
  parameters: [],
  results: ['i32'],
  build: (b) => {
    refuseOtherModes(b, b.load('i32.load', CpuState.eflags));
    const cpl = b.load('i32.load', CpuState.cpl);
    refuseIf(b, b.or(cpl, b.load('i32.load', CpuState.interruptWaits)));
    const base = fastSelector(b);
    const outer = (offset: number): Value => b.and(b.or(b.add(base, offset), 3), 0xffff);
    setFlat(b, SegmentRegister.cs, outer(16), b.i32(fastCode | userLevel), true);
    setFlat(b, SegmentRegister.ss, outer(24), b.i32(fastData | userLevel), false);
    b.store('i32.store', stackPointer, b.load('i32.load', CpuState.gpr + 8 * Gpr.rcx));
    b.store('i32.store', CpuState.target, b.load('i32.load', CpuState.gpr + 8 * Gpr.rdx));
    setLevel(b, b.i32(3));
    b.return(b.i32(1));
  },
};

/** Returns from and entries into kernels. */
export const privilegeFunctions: readonly RuntimeFunction[] = [
  interruptReturn,
  systemEnter,
  systemExit,
];
