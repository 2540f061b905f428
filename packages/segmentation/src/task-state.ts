/** The I/O map of the current task state segment (SDM 3A 7.2.1, SDM 1 19.5.2). */
import type { Context } from './context.ts';
import { Attribute, Word } from './descriptor.ts';
import { generalProtection, type Fault } from './fault.ts';
import { Segment, State } from './state.ts';

const tss32 = 8;

/**
 * The I/O map base of the current TSS, or -1 if there is none to be read: not a 32-bit TSS, too
 * short, or a page fault, which is then in `memory.fault` (0 otherwise).
 */
export function ioMapBase(context: Context): number {
  const memory = context.memory;
  memory.fault = 0;
  const attributes = context.get(Segment.tr + Word.attributes);
  const usable = (attributes & Attribute.present) !== 0 && (attributes & tss32) !== 0;
  if (!usable || context.get(Segment.tr + Word.limit) >>> 0 < 103) return -1;
  const base = memory.read16((context.get(Segment.tr + Word.base) + 102) | 0, true);
  return memory.fault !== 0 ? -1 : base;
}

/**
 * Whether IN, OUT, INS or OUTS may touch `bytes` ports from `port`: CPL against IOPL, then the I/O
 * map, of which two bytes are always read (SDM 1 19.5).
 */
export function checkIo(context: Context, port: number, bytes: number): Fault {
  if (context.isReal()) return 0;
  if (!context.isVirtual8086() && context.get(State.cpl) <= context.iopl()) return 0;
  const memory = context.memory;
  const map = ioMapBase(context);
  if (map < 0) return memory.fault || generalProtection(0);
  const offset = map + ((port & 0xffff) >> 3);
  if (offset + 1 > context.get(Segment.tr + Word.limit) >>> 0) return generalProtection(0);
  const bits = memory.read16((context.get(Segment.tr + Word.base) + offset) | 0, true);
  if (memory.fault !== 0) return memory.fault;
  const mask = (1 << bytes) - 1;
  return ((bits >> (port & 7)) & mask) !== 0 ? generalProtection(0) : 0;
}
