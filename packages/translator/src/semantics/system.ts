/**
 * System instructions and ports: SDM vol. 1, 5.1.9 and 5.20; what they do to the machine is a
 * callout.
 */
import { CpuState, Gpr } from '@ringfence/memory';
import type { Value } from '../ir/value.ts';
import { Callout } from './callout-numbers.ts';
import { transferInside } from './control.ts';
import type { InstructionContext } from './context.ts';
import { resize, transferred } from './integer.ts';
import type { Semantics, SemanticsTable } from './registry.ts';

const invalidOpcode = 6;
/** Bytes of the XSAVE area of x87 and SSE (SDM vol. 1, 13.4). */
const saveAreaBytes = 576;
const protectionEnable = 1;
const virtual8086 = 1 << 17;

/** #UD in real and virtual-8086 mode, which have no descriptors (SDM vol. 2, LLDT and others). */
function requireProtectedMode(c: InstructionContext): void {
  const b = c.b;
  const off = b.eqz(b.and(b.load('i32.load', CpuState.cr), protectionEnable));
  const virtual = b.and(b.load('i32.load', CpuState.eflags), virtual8086);
  b.if(b.or(off, virtual), () => b.fault(invalidOpcode));
}

function input(c: InstructionContext): void {
  const bytes = c.bytes(0);
  c.b.callout(Callout.portIn, c.read(1), c.b.i32(bytes));
  c.write(0, transferred(c, bytes));
}

function output(c: InstructionContext): void {
  c.b.callout(Callout.portOut, c.read(0), c.b.i32(c.bytes(1)), c.read(1));
}

/** SGDT, SIDT: 16 bits of limit, then 32 of base. */
function storeTable(which: number): Semantics {
  return (c) => {
    const b = c.b;
    b.callout(Callout.storeDescriptorTable, b.i32(which));
    const limit = b.load('i32.load', CpuState.transfer);
    const base = b.load('i32.load', CpuState.transfer + 4);
    b.guestProbe(6, c.linear(0, 6, true));
    b.guestStore('i32.store16', c.linear(0, 2, true), limit);
    b.guestStore('i32.store', c.linear(0, 4, true, 2), base);
  };
}

/** LGDT, LIDT; a 16-bit operand size takes 24 bits of the base. */
function loadTable(which: number): Semantics {
  return (c) => {
    const b = c.b;
    c.requireRing0();
    const limit = b.guestLoad('i32.load16_u', c.linear(0, 2, false));
    const base = b.guestLoad('i32.load', c.linear(0, 4, false, 2));
    const used = c.info.operandSize === 16 ? b.and(base, 0xff_ffff) : base;
    b.callout(Callout.loadDescriptorTable, b.i32(which), limit, used);
  };
}

function storeSystem(which: number): Semantics {
  return (c) => {
    if (which !== 2) requireProtectedMode(c);
    c.b.callout(Callout.storeSystem, c.b.i32(which));
    c.write(0, transferred(c, c.bytes(0)));
  };
}

function loadSystem(which: number): Semantics {
  return (c) => {
    if (which !== 2) requireProtectedMode(c);
    c.requireRing0();
    c.b.callout(Callout.loadSystem, c.b.i32(which), c.read(0, 2));
  };
}

/** The host sets ZF; LAR and LSL write their destination only where it is set. */
function inspect(which: number): Semantics {
  return (c) => {
    const b = c.b;
    requireProtectedMode(c);
    const stores = c.form.operands.length === 2;
    const selector = c.read(stores ? 1 : 0, 2);
    b.callout(Callout.inspectSelector, b.i32(which), selector, b.i32(c.info.operandSize));
    if (!stores) return;
    const bytes = c.bytes(0);
    const value = resize(b, transferred(c, 4), 4, bytes, false);
    b.if(c.flags.zero(), () => c.write(0, value));
  };
}

/** Raises the RPL of a selector to that of another; memory is written only if it changes. */
function adjustRpl(c: InstructionContext): void {
  const b = c.b;
  requireProtectedMode(c);
  const wanted = b.and(c.read(1, 2), 3);
  const old = c.read(0);
  const lower = b.ltU(b.and(old, 3), wanted);
  b.if(lower, () => c.write(0, b.or(b.and(old, ~3), wanted)));
  c.flags.setZero(lower);
}

const interruptFlag = 1 << 9;
const ioPrivilege = 3;

/** CLI here where IOPL allows it and no virtual interrupt flag could be meant. */
function clearInterrupt(c: InstructionContext): void {
  const b = c.b;
  const system = b.load('i32.load', CpuState.eflags);
  const allowed = b.leU(c.cpl(), b.and(b.shrU(system, 12), ioPrivilege));
  const plain = b.and(allowed, b.eqz(b.and(system, virtual8086)));
  b.if(
    plain,
    () => b.store('i32.store', CpuState.eflags, b.and(system, ~interruptFlag)),
    () => b.callout(Callout.interruptFlag, b.i32(0)),
  );
}

/**
 * STI here where IOPL allows it, no virtual interrupt flag could be meant, and no interrupt waits.
 * With IF set already it changes nothing; else the run loop finds out from `shadowAt` whether the
 * next instruction is the one before which interrupts are held off.
 */
function setInterrupt(c: InstructionContext): void {
  const b = c.b;
  const system = b.load('i32.load', CpuState.eflags);
  const allowed = b.leU(c.cpl(), b.and(b.shrU(system, 12), ioPrivilege));
  const plain = b.and(allowed, b.eqz(b.and(system, virtual8086)));
  const quiet = b.or(
    b.and(system, interruptFlag),
    b.eqz(b.load('i32.load', CpuState.interruptWaits)),
  );
  b.if(b.and(plain, b.ne(quiet, 0)), () => {
    b.if(b.eqz(b.and(system, interruptFlag)), () => {
      b.store('i32.store', CpuState.eflags, b.or(system, interruptFlag));
      const left = b.load('i32.load', CpuState.budget);
      const at = b.sub(b.load('i32.load', CpuState.runBudget), left);
      b.store('i32.store', CpuState.shadowAt, at);
      b.store('i32.store', CpuState.shadowNoted, b.i32(1));
    });
    // The budget is exact in handler functions only, where this ends the instruction.
    b.next();
  });
  b.callout(Callout.interruptFlag, b.i32(1));
}

function invalidatePcid(c: InstructionContext): void {
  c.requireRing0();
  const type = c.read(0, 4);
  c.b.callout(Callout.invalidatePcid, type, c.linear(1, 16, false));
}

function random(which: number): Semantics {
  return (c) => {
    const bytes = c.bytes(0);
    c.b.callout(Callout.random, c.b.i32(which), c.b.i32(bytes));
    c.write(0, transferred(c, bytes));
    c.flags.fromEflags(c.b.i32(1));
  };
}

function extendedState(which: number): Semantics {
  return (c) => {
    const linear = c.linear(0, saveAreaBytes, false);
    c.b.callout(Callout.extendedState, c.b.i32(which), linear);
  };
}

/** Linear address of a byte at eAX, in DS or the segment of a prefix. */
function byteAtAccumulator(c: InstructionContext, write: boolean): Value {
  const address = c.gpr(Gpr.rax, c.info.addressSize === 16 ? 2 : 4);
  return c.segments.linear(c.source.segment(), c.source.segmentIsStack(), address, 1, write);
}

/** MONITOR reads a byte of the line. */
function monitor(c: InstructionContext): void {
  const b = c.b;
  b.callout(Callout.monitor, b.i32(0), b.i32(0));
  const linear = byteAtAccumulator(c, false);
  b.guestLoad('i32.load8_u', linear);
  b.callout(Callout.monitor, b.i32(1), linear);
}

/** Clears the 64 aligned bytes around eAX (APM 3, CLZERO). */
function clearLine(c: InstructionContext): void {
  const b = c.b;
  const start = b.and(byteAtAccumulator(c, true), ~63);
  for (let at = 0; at < 64; at += 4) {
    b.guestStore('i32.store', b.add(start, at), b.i32(0));
  }
}

/** A callout without anything around it. */
function plain(callout: number, a = 0, second = 0): Semantics {
  return (c) => c.b.callout(callout, c.b.i32(a), c.b.i32(second));
}

function privileged(callout: number, a = 0): Semantics {
  return (c) => {
    c.requireRing0();
    c.b.callout(callout, c.b.i32(a));
  };
}

const nothing: Semantics = () => undefined;
const undefinedOpcode: Semantics = (c) => c.b.fault(invalidOpcode);

const same = (names: string, semantics: Semantics): SemanticsTable =>
  Object.fromEntries(names.split(' ').map((name) => [name, semantics]));

/** Privileged and sensitive instructions, ports, identification, fences. */
export const system: SemanticsTable = {
  IN: input,
  OUT: output,
  SGDT: storeTable(0),
  SIDT: storeTable(1),
  LGDT: loadTable(0),
  LIDT: loadTable(1),
  SLDT: storeSystem(0),
  STR: storeSystem(1),
  SMSW: storeSystem(2),
  LLDT: loadSystem(0),
  LTR: loadSystem(1),
  LMSW: loadSystem(2),
  LAR: inspect(0),
  LSL: inspect(1),
  VERR: inspect(2),
  VERW: inspect(3),
  ARPL: adjustRpl,
  CLI: clearInterrupt,
  STI: setInterrupt,
  HLT: privileged(Callout.halt),
  INVD: privileged(Callout.system, 0),
  WBINVD: privileged(Callout.system, 1),
  WBNOINVD: privileged(Callout.system, 1),
  CLTS: privileged(Callout.system, 2),
  RSM: plain(Callout.system, 3),
  VMCALL: plain(Callout.system, 4),
  VMMCALL: plain(Callout.system, 5),
  MONITOR: monitor,
  MWAIT: plain(Callout.monitorWait),
  CLZERO: clearLine,
  CLAC: plain(Callout.system, 9),
  STAC: plain(Callout.system, 10),
  // Shadow entries are true at every moment (shadow-paging): there is nothing to invalidate.
  INVLPG: (c) => c.requireRing0(),
  INVPCID: invalidatePcid,
  CPUID: plain(Callout.cpuid),
  RDTSC: plain(Callout.readTsc),
  RDTSCP: plain(Callout.readTsc, 0, 1),
  RDMSR: privileged(Callout.readMsr),
  WRMSR: privileged(Callout.writeMsr),
  RDPMC: plain(Callout.readPmc),
  RDPID: (c) => {
    c.b.callout(Callout.rdpid);
    c.write(0, transferred(c, c.bytes(0)));
  },
  RDRAND: random(0),
  RDSEED: random(1),
  SYSENTER: (c) => {
    transferInside(c, 'systemEnter');
    c.b.callout(Callout.sysenter);
  },
  SYSEXIT: (c) => {
    transferInside(c, 'systemExit');
    c.b.callout(Callout.sysexit, c.b.i32(c.info.operandSize));
  },
  SYSCALL: plain(Callout.syscall),
  SYSRET: (c) => c.b.callout(Callout.sysret, c.b.i32(c.info.operandSize)),
  XGETBV: plain(Callout.extendedControl, 0),
  XSETBV: plain(Callout.extendedControl, 1),
  XSAVE: extendedState(0),
  XRSTOR: extendedState(1),
  XSAVEOPT: extendedState(2),
  XSAVEC: extendedState(3),
  XSAVES: extendedState(4),
  XRSTORS: extendedState(5),
  CLFLUSH: (c) => void c.read(0),
  CLFLUSHOPT: (c) => void c.read(0),
  CLWB: (c) => void c.read(0),
  ...same('PREFETCH PREFETCHW PREFETCHWT1', nothing),
  ...same('PREFETCHNTA PREFETCHT0 PREFETCHT1 PREFETCHT2', nothing),
  ...same('LFENCE MFENCE SFENCE', nothing),
  // Neither VMX nor SVM is offered to guests.
  ...same('VMLAUNCH VMRESUME VMXOFF VMFUNC VMREAD VMWRITE VMPTRLD VMCLEAR', undefinedOpcode),
  ...same('VMXON VMPTRST INVEPT INVVPID VMRUN VMLOAD VMSAVE STGI CLGI', undefinedOpcode),
  ...same('SKINIT INVLPGA', undefinedOpcode),
};
