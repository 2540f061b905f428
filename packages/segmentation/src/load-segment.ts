/**
 * Loading ES, SS, DS, FS and GS (SDM 2B MOV and 3A 5.6, 5.7).
 *
 * Hot: kernels reload DS, ES and FS at every entry; benchmark in segmentation.bench.ts.
 */
import type { Context } from './context.ts';
import {
  descriptorDpl,
  DescriptorBit,
  isConforming,
  isReadable,
  isWritableData,
} from './descriptor.ts';
import {
  generalProtection,
  invalidOpcode,
  segmentNotPresent,
  stackFault,
  Vector,
  type Fault,
} from './fault.ts';
import { Segment, segmentWords, State } from './state.ts';

/** MOV Sreg, POP Sreg, LDS and so on; `register` as in `SegmentRegister` (SDM 2B MOV). */
export function loadSegment(context: Context, register: number, selector: number): Fault {
  const at = Segment.es + register * segmentWords;
  if (at === Segment.cs || register > 5) return invalidOpcode;
  const value = selector & 0xffff;
  if (!context.isProtected()) {
    context.setLegacy(at, value);
    context.updateCodeMode();
    return 0;
  }
  if (at === Segment.ss) return loadStackSegment(context, value);
  if ((value & 0xfffc) === 0) {
    context.setNull(at, value);
  } else {
    const fault = loadDataSegment(context, at, value);
    if (fault !== 0) return fault;
  }
  if (at < Segment.fs) context.updateCodeMode();
  return 0;
}

function loadStackSegment(context: Context, selector: number): Fault {
  const cpl = context.get(State.cpl);
  if ((selector & 0xfffc) === 0) return generalProtection(0);
  let fault = context.fetch(selector, Vector.generalProtection);
  if (fault !== 0) return fault;
  const { low, high } = context;
  if ((selector & 3) !== cpl || !isWritableData(high) || descriptorDpl(high) !== cpl) {
    return generalProtection(selector & 0xfffc);
  }
  if ((high & DescriptorBit.present) === 0) return stackFault(selector & 0xfffc);
  fault = context.touch(context.address, high);
  if (fault !== 0) return fault;
  context.setSegment(Segment.ss, selector, low, high);
  context.updateCodeMode();
  return 0;
}

function loadDataSegment(context: Context, at: number, selector: number): Fault {
  let fault = context.fetch(selector, Vector.generalProtection);
  if (fault !== 0) return fault;
  const { low, high } = context;
  if (!isReadable(high) || !isAllowed(context, selector, high)) {
    return generalProtection(selector & 0xfffc);
  }
  if ((high & DescriptorBit.present) === 0) return segmentNotPresent(selector & 0xfffc);
  fault = context.touch(context.address, high);
  if (fault !== 0) return fault;
  context.setSegment(at, selector, low, high);
  return 0;
}

/** Data and nonconforming code: both CPL and RPL at or above the segment's level (SDM 3A 5.6). */
function isAllowed(context: Context, selector: number, high: number): boolean {
  if (isConforming(high)) return true;
  const dpl = descriptorDpl(high);
  return dpl >= context.get(State.cpl) && dpl >= (selector & 3);
}
