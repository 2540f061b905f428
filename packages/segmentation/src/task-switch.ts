/**
 * Task switches (SDM 3A 7.3), 16-bit and 32-bit.
 *
 *     32-bit TSS                             16-bit TSS
 *     00  back link     48  ES               00  back link     1a  SP
 *     04  ESP0 SS0 ...  4c  CS               02  SP0 SS0 ...   1c  BP
 *     1c  CR3           50  SS               0e  IP            1e  SI
 *     20  EIP           54  DS               10  FLAGS         20  DI
 *     24  EFLAGS        58  FS               12  AX            22  ES
 *     28  EAX ECX EDX   5c  GS               14  CX            24  CS
 *         EBX ESP EBP   60  LDT              16  DX            26  SS
 *         ESI EDI       64  T, 66 I/O map    18  BX            28  DS   2a  LDT
 *
 * Everything that can fault in the old task is done first, without effect; then the old state is
 * saved and the new one loaded (the commit point); what faults after that faults in the new task.
 */
import { Eflags, readEflags } from '@ringfence/memory';
import type { Context } from './context.ts';
import {
  descriptorBase,
  descriptorDpl,
  DescriptorBit,
  descriptorLimit,
  systemType,
  SystemType,
  Word,
} from './descriptor.ts';
import { generalProtection, invalidTss, segmentNotPresent, Vector, type Fault } from './fault.ts';
import { Segment, State } from './state.ts';
import { setTaskRegister } from './system-segment.ts';
import { loadTask } from './task-load.ts';

/** What makes a task switch: it decides busy bits, NT and the back link (SDM 3A table 7-2). */
export const TaskSource = { jump: 0, call: 1, interrupt: 2, iret: 3 } as const;

/** One of the values of `TaskSource`. */
export type TaskSource = (typeof TaskSource)[keyof typeof TaskSource];

const busy = 2;
const tss32 = 8;
/** Segment registers in the order in which a TSS holds them. */
const savedSegments = [
  Segment.es,
  Segment.cs,
  Segment.ss,
  Segment.ds,
  Segment.fs,
  Segment.gs,
] as const;

/**
 * JMP and CALL that name a TSS descriptor: privilege, in the GDT, present (SDM 2A JMP, 7.2.2). The
 * type is known to be an available TSS.
 */
export function checkTaskDescriptor(context: Context, selector: number): Fault {
  const dpl = descriptorDpl(context.high);
  const denied = dpl < context.get(State.cpl) || dpl < (selector & 3);
  if (denied || (selector & 4) !== 0) return generalProtection(selector & 0xfffc);
  if ((context.high & DescriptorBit.present) === 0) return segmentNotPresent(selector & 0xfffc);
  return 0;
}

/**
 * Fetches and checks the TSS of the task gate whose first doubleword is in `context.low`; its
 * selector goes to `context.result` (SDM 3A 7.2.5). The TSS's own DPL does not matter.
 */
export function fetchTaskOfGate(context: Context): Fault {
  const selector = context.low >>> 16;
  context.result = selector;
  if ((selector & 4) !== 0) return generalProtection(context.selectorError(selector));
  const fault = context.fetch(selector, Vector.generalProtection);
  if (fault !== 0) return fault;
  const high = context.high;
  const type = systemType(high);
  const isAvailable = type === SystemType.tss16Available || type === SystemType.tss32Available;
  if ((high & DescriptorBit.segment) !== 0 || !isAvailable) {
    return generalProtection(context.selectorError(selector));
  }
  if ((high & DescriptorBit.present) === 0) {
    return segmentNotPresent(context.selectorError(selector));
  }
  return 0;
}

/**
 * Switches to the task whose fetched and checked TSS descriptor is in the context. `eip` is what
 * the old task goes on with, `savedFlags` are bits to set in its saved EFLAGS (RF).
 */
export function switchTask(
  context: Context,
  selector: number,
  source: TaskSource,
  eip: number,
  savedFlags: number,
): Fault {
  const { low, high, address } = context;
  const base = descriptorBase(low, high);
  const is32 = (systemType(high) & tss32) !== 0;
  const oldSelector = context.get(Segment.tr + Word.selector);
  const oldBase = context.get(Segment.tr + Word.base);
  const oldIs32 = (context.get(Segment.tr + Word.attributes) & tss32) !== 0;
  const oldType = (context.get(State.gdtrBase) + (oldSelector & 0xfff8) + 5) | 0;
  const isNested = source === TaskSource.call || source === TaskSource.interrupt;

  if (descriptorLimit(low, high) >>> 0 < (is32 ? 0x67 : 0x2b)) {
    return invalidTss(context.selectorError(selector));
  }
  if (context.get(Segment.tr + Word.limit) >>> 0 < (oldIs32 ? 0x5f : 0x29)) {
    return invalidTss(context.selectorError(oldSelector));
  }
  const memory = context.memory;
  let fault = readTask(context, base, is32);
  if (fault !== 0) return fault;
  const savedAt = (oldBase + (oldIs32 ? 0x20 : 0x0e)) | 0;
  fault = memory.probeWrite(savedAt, oldIs32 ? 0x3e : 0x1c, true);
  if (fault !== 0) return fault;
  if (isNested) fault = memory.probeWrite(base, 2, true);
  else fault = memory.probeWrite(oldType, 1, true);
  if (fault !== 0) return fault;
  if (source !== TaskSource.iret) fault = memory.probeWrite((address + 5) | 0, 1, true);
  if (fault !== 0) return fault;

  // From here on memory is known to be writable. Order: SDM 3A 7.3, steps 4 to 10.
  if (!isNested) memory.write8(oldType, memory.read8(oldType, true) & ~busy, true);
  let eflags = readEflags(context.words) | savedFlags;
  if (source === TaskSource.iret) eflags &= ~Eflags.nt;
  if (oldIs32) saveTask32(context, oldBase, eip, eflags);
  else saveTask16(context, oldBase, eip, eflags);
  if (isNested) memory.write16(base, oldSelector, true);
  if (source !== TaskSource.iret) {
    memory.write8((address + 5) | 0, (high >>> 8) | busy, true);
  }
  // Again, for a task that is switched to itself.
  readTask(context, base, is32);
  setTaskRegister(context, selector, low, high);
  return loadTask(context, is32, isNested);
}

/** Reads a TSS into `context.task`, one word for each 32-bit or 16-bit field from offset 0. */
function readTask(context: Context, base: number, is32: boolean): Fault {
  const memory = context.memory;
  const count = is32 ? 26 : 22;
  for (let field = 0; field < count; field++) {
    context.task[field] = is32
      ? memory.read32((base + field * 4) | 0, true)
      : memory.read16((base + field * 2) | 0, true);
    if (memory.fault !== 0) return memory.fault;
  }
  return 0;
}

function saveTask32(context: Context, base: number, eip: number, eflags: number): void {
  const memory = context.memory;
  memory.write32((base + 0x20) | 0, eip, true);
  memory.write32((base + 0x24) | 0, eflags, true);
  for (let register = 0; register < 8; register++) {
    const value = context.get(State.gpr + register * 2);
    memory.write32((base + 0x28 + register * 4) | 0, value, true);
  }
  // Only 16 bits of a selector's field are written: the rest is reserved (SDM 3A 7.2.1).
  for (let index = 0; index < 6; index++) {
    const value = context.get((savedSegments[index] as number) + Word.selector);
    memory.write16((base + 0x48 + index * 4) | 0, value, true);
  }
}

function saveTask16(context: Context, base: number, eip: number, eflags: number): void {
  const memory = context.memory;
  memory.write16((base + 0x0e) | 0, eip, true);
  memory.write16((base + 0x10) | 0, eflags, true);
  for (let register = 0; register < 8; register++) {
    const value = context.get(State.gpr + register * 2);
    memory.write16((base + 0x12 + register * 2) | 0, value, true);
  }
  for (let index = 0; index < 4; index++) {
    const value = context.get((savedSegments[index] as number) + Word.selector);
    memory.write16((base + 0x22 + index * 2) | 0, value, true);
  }
}
