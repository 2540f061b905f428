import { finite, integer, list, nullable, record, type Shape } from '../state-shape.ts';
import { cmosSize, registerB, validRamAndTime } from './registers.ts';

/** The registers of the clock. */
export interface RtcState {
  /** The index register's low seven bits. */
  index: number;
  /** The index register's NMI bit. */
  nmiMask: number;
  /** All 128 bytes; those of the running time hold what was last set while it stands still. */
  bytes: number[];
  /** Register C's three flags. */
  flags: number;
  /** The Unix time in milliseconds at the clock's zero. */
  unixMsAtZero: number;
  /** The Unix time at which the clock stands, while SET or the divider's reset holds it. */
  heldMs: number | null;
  /** What was added to the weekday that follows from the date. */
  weekdayShift: number;
  /** The clock reading up to which the flags are true. */
  syncNs: number;
}

/** Returns a clock that shows `unixMs` at the clock reading `nowNs`, in BCD and 24 hours. */
export function powerOnRtc(unixMs: number, nowNs: number): RtcState {
  const bytes = Array.from({ length: cmosSize }, () => 0);
  bytes[0x0a] = 0x26; // The divider for 32,768 Hz, and a periodic rate of 1,024 Hz.
  bytes[0x0b] = registerB.hours24;
  bytes[0x0d] = validRamAndTime;
  return {
    index: 0,
    nmiMask: 0,
    bytes,
    flags: 0,
    unixMsAtZero: unixMs - nowNs / 1e6,
    heldMs: null,
    weekdayShift: 0,
    syncNs: nowNs,
  };
}

/** A time that a `Date` can hold. */
const unixTime: Shape<number> = (value, path) => {
  const time = finite()(value, path);
  integer(-8e15, 8e15)(Math.round(time), path);
  return time;
};

/** The shape of the clock's saved registers. */
export const rtcShape: Shape<RtcState> = record<RtcState>({
  index: integer(0, 0x7f),
  nmiMask: integer(0, 0x80),
  bytes: list(integer(0, 0xff), cmosSize),
  flags: integer(0, 0x70),
  unixMsAtZero: unixTime,
  heldMs: nullable(unixTime),
  weekdayShift: integer(0, 6),
  syncNs: finite(),
});
