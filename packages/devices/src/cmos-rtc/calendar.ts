/**
 * Time of day as the clock's registers hold it: BCD or binary, 12 or 24 hours (MC146818A data
 * sheet, table 3).
 */
import { registerB } from './registers.ts';

/** Milliseconds of a day. */
export const dayMs = 86_400_000;

/** A moment, in numbers; the month counts from 1, the weekday from 1 for Sunday. */
export interface CalendarFields {
  /** 0 to 59. */
  readonly seconds: number;
  /** 0 to 59. */
  readonly minutes: number;
  /** 0 to 23. */
  readonly hours: number;
  /** 1 for Sunday to 7. */
  readonly weekday: number;
  /** 1 to 31. */
  readonly day: number;
  /** 1 to 12. */
  readonly month: number;
  /** All digits: 2026. */
  readonly year: number;
}

/** Returns the fields of a Unix time, in UTC. */
export function fieldsOf(unixMs: number): CalendarFields {
  const date = new Date(unixMs);
  return {
    seconds: date.getUTCSeconds(),
    minutes: date.getUTCMinutes(),
    hours: date.getUTCHours(),
    weekday: date.getUTCDay() + 1,
    day: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    year: date.getUTCFullYear(),
  };
}

/** Returns the Unix time of the fields; those out of range carry over, as 32 May is 1 June. */
export function unixMsOf(fields: CalendarFields): number {
  const date = new Date(0);
  date.setUTCFullYear(fields.year, fields.month - 1, fields.day);
  date.setUTCHours(fields.hours, fields.minutes, fields.seconds);
  return date.getTime();
}

/** Encodes a number below 100 as register B asks: binary or BCD. */
export function encode(value: number, modes: number): number {
  return (modes & registerB.binary) !== 0 ? value : (Math.floor(value / 10) << 4) | (value % 10);
}

/** Decodes a register; digits above 9 count as what they are. */
export function decode(value: number, modes: number): number {
  return (modes & registerB.binary) !== 0 ? value : (value >> 4) * 10 + (value & 15);
}

/** Encodes an hour of 0 to 23 as register B asks: 24 hours, or 1 to 12 with bit 7 after noon. */
export function encodeHours(hours: number, modes: number): number {
  if ((modes & registerB.hours24) !== 0) {
    return encode(hours, modes);
  }
  return encode(((hours + 11) % 12) + 1, modes) | (hours >= 12 ? 0x80 : 0);
}

/** Decodes an hour register to 0 to 23, or to a number out of range for a value that is no hour. */
export function decodeHours(value: number, modes: number): number {
  if ((modes & registerB.hours24) !== 0) {
    return decode(value, modes);
  }
  const hour = decode(value & 0x7f, modes);
  return hour >= 1 && hour <= 12 ? (hour % 12) + ((value & 0x80) !== 0 ? 12 : 0) : 99;
}

/** An alarm: the hour, minute and second to match; `null` matches all. */
export interface Alarm {
  /** 0 to 23. */
  readonly hours: number | null;
  /** 0 to 59. */
  readonly minutes: number | null;
  /** 0 to 59. */
  readonly seconds: number | null;
}

/** Decodes the alarm registers; 0xc0 and above mean "do not care". */
export function decodeAlarm(hours: number, minutes: number, seconds: number, modes: number): Alarm {
  return {
    hours: hours >= 0xc0 ? null : decodeHours(hours, modes),
    minutes: minutes >= 0xc0 ? null : decode(minutes, modes),
    seconds: seconds >= 0xc0 ? null : decode(seconds, modes),
  };
}

/**
 * Returns the first second after the Unix second `after` that matches, or `Infinity` if none does.
 */
export function nextAlarm(alarm: Alarm, after: number): number {
  let second = after + 1;
  const end = after + dayMs / 1000 + 1;
  while (second < end) {
    // Numbers before 1970 are negative, their time of day is not.
    const ofDay = ((second % 86_400) + 86_400) % 86_400;
    if (alarm.hours !== null && alarm.hours !== Math.floor(ofDay / 3600)) {
      second += 3600 - (ofDay % 3600);
    } else if (alarm.minutes !== null && alarm.minutes !== Math.floor(ofDay / 60) % 60) {
      second += 60 - (ofDay % 60);
    } else if (alarm.seconds !== null && alarm.seconds !== ofDay % 60) {
      second += 1;
    } else {
      return second;
    }
  }
  return Infinity;
}
