/**
 * `physdev_op` of a paravirtual guest without devices: ports, and interrupts that there are none of
 * (public/physdev.h; Xen, arch/x86/physdev.c).
 */
import { pageBytes } from '@ringfence/memory';
import { pirqs, pirqsOfIsa, pirqsOfPins, XenError } from '../constants.ts';
import { argument } from '../ops/call.ts';
import type { XenCall } from '../ops/call.ts';
import { guestEnd } from './descriptors.ts';
import type { PvGuest } from './guest.ts';
import { setIoPrivilege } from './privileged.ts';

/** Sub-operations (PHYSDEVOP_*). */
const Physdev = {
  unmaskNotify: 4,
  irqStatus: 5,
  setIopl: 6,
  setIobitmap: 7,
  eoi: 12,
  eoiFrameFirst: 17,
  freeNumber: 23,
  eoiFrame: 28,
  debugPort: 29,
} as const;
/** Those that are known and concern devices or the chipset, which a guest without any has not. */
const ofDevices: ReadonlySet<number> = new Set([
  ...[8, 9, 10, 13, 14, 15, 16, 18, 19, 20, 21, 22, 24, 25, 30, 31],
]);
/** Those that had a form before there was one argument for each. */
const ofCompat: ReadonlySet<number> = new Set([
  ...[Physdev.unmaskNotify, Physdev.irqStatus, Physdev.setIopl, Physdev.setIobitmap],
  ...[8, 9, 10],
]);
const mostPorts = 0x1_0000;

/** `physdev_op`: the I/O privilege that the kernel gives its programs, and their map of ports. */
export function physdevOp(guest: PvGuest, call: XenCall): number {
  return serve(guest, call, argument(call, 0), argument(call, 1));
}

/** The first form of the call, with the sub-operation in front of its argument. */
export function physdevOpCompat(guest: PvGuest, call: XenCall): number {
  const at = argument(call, 0);
  const operation = call.copy.words(at, 1)?.[0];
  if (operation === undefined) {
    return -XenError.fault;
  }
  return ofCompat.has(operation)
    ? serve(guest, call, operation, (at + 4) >>> 0)
    : -XenError.noSuchCall;
}

function serve(guest: PvGuest, call: XenCall, operation: number, at: number): number {
  switch (operation) {
    case Physdev.unmaskNotify:
      // It tells that interrupts were dealt with: none was.
      return 0;
    case Physdev.setIopl: {
      const level = call.copy.words(at, 1)?.[0];
      return level === undefined ? -XenError.fault : setIoPrivilege(guest, level);
    }
    case Physdev.setIobitmap: {
      const words = call.copy.words(at, 2);
      const [address = 0, ports = 0] = words ?? [];
      // The whole map is to lie below Xen, however many ports are meant.
      const isGood = ports <= mostPorts && address + mostPorts / 8 <= guestEnd;
      if (words === undefined || !isGood) {
        return words === undefined ? -XenError.fault : -XenError.invalid;
      }
      guest.portMap = { address, ports };
      return 0;
    }
    case Physdev.eoiFrameFirst:
    case Physdev.eoiFrame:
      return setEndsPage(call, at);
    case Physdev.freeNumber:
      return giveNumber(guest, call, at);
    case Physdev.debugPort:
      return -XenError.notPermitted;
    case Physdev.eoi:
    case Physdev.irqStatus:
      return ofInterrupt(call, operation, at);
    default:
      if (!ofDevices.has(operation)) {
        return -XenError.noSuchCall;
      }
      return call.copy.words(at, 1) === undefined ? -XenError.fault : -XenError.notPermitted;
  }
}

/**
 * frame: the page in which the guest is told, by a bit each, for which interrupts it has to say
 * that they were dealt with. It is given once; no bit of it is ever set.
 */
function setEndsPage(call: XenCall, at: number): number {
  const frame = call.copy.words(at, 1)?.[0];
  if (frame === undefined) {
    return -XenError.fault;
  }
  const { domain } = call;
  if (!domain.grantPages.hold(frame, true)) {
    return -XenError.invalid;
  }
  if (domain.endsPage !== 0) {
    domain.grantPages.drop(frame, true);
    return -XenError.busy;
  }
  domain.endsPage = frame * pageBytes;
  return 0;
}

/** MAP_PIRQ_TYPE_GSI: an interrupt of a pin; all else are of messages. */
const ofPin = 1;

/**
 * type, and the number that is told: one that no interrupt has yet. Pins are counted up, messages
 * down to them.
 */
function giveNumber(guest: PvGuest, call: XenCall, at: number): number {
  const type = call.copy.words(at, 2)?.[0];
  if (type === undefined) {
    return -XenError.fault;
  }
  const [pins, messages] = guest.interruptsGiven;
  const isPin = type === ofPin;
  const found = isPin ? pirqsOfIsa + pins : pirqs - 1 - messages;
  if (isPin ? found >= pirqsOfPins : found < pirqsOfPins) {
    return -XenError.noSpace;
  }
  guest.interruptsGiven = isPin ? [pins + 1, messages] : [pins, messages + 1];
  return call.copy.writeWords(at + 4, [found]) ? 0 : -XenError.fault;
}

/** irq, flags: an interrupt that no device of the guest's can raise. */
function ofInterrupt(call: XenCall, operation: number, at: number): number {
  const irq = call.copy.words(at, 1)?.[0];
  if (irq === undefined) {
    return -XenError.fault;
  }
  if (operation === Physdev.eoi || irq >= pirqs) {
    return -XenError.invalid;
  }
  return call.copy.writeWords(at + 4, [0]) ? 0 : -XenError.fault;
}
