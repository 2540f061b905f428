/**
 * INT 1Ah: ticks, the clock, its alarm; INT 15h, AH = 83h: telling that time has passed; and the
 * PCI services (PCI BIOS Specification 2.1).
 */
import type { PortBus } from '@ringfence/devices';

import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { Bda, Outcome } from './layout.ts';
import type { OutcomeValue } from './layout.ts';

const rtc = {
  ...{ seconds: 0, minutes: 2, hours: 4, day: 7, month: 8, year: 9, century: 0x32 },
  ...{ alarmSeconds: 1, alarmMinutes: 3, alarmHours: 5, statusB: 0x0b },
} as const;
/** Interrupts that status B enables. */
const rtcPeriodic = 0x40;
const rtcAlarm = 0x20;
const periodMicroseconds = 976;
const rtcIndex = 0x70;
const rtcData = 0x71;
const pciAddress = 0xcf8;
const pciData = 0xcfc;
const pciStatus = { ok: 0, unsupported: 0x81, notFound: 0x86, badRegister: 0x87 } as const;

/** The services of time and of PCI. */
export class TimeServices {
  readonly #memory: BiosMemory;
  readonly #ports: PortBus;

  /** Makes the services of a board. */
  constructor(board: BiosBoard) {
    this.#memory = board.memory;
    this.#ports = board.ports;
  }

  /** Serves INT 1Ah. */
  serve(frame: BiosFrame): void {
    frame.carry = false;
    if (frame.ah <= 0x07) {
      this.#serveTime(frame.ah, frame);
      frame.ah = 0;
    } else if (frame.ah === 0xb1) {
      this.#servePci(frame);
    } else {
      frame.carry = true;
    }
  }

  #serveTime(service: number, frame: BiosFrame): void {
    const memory = this.#memory;
    switch (service) {
      case 0x00:
        frame.set('ecx', memory.read16(Bda.ticks + 2));
        frame.set('edx', memory.read16(Bda.ticks));
        frame.al = memory.read8(Bda.midnight);
        memory.write8(Bda.midnight, 0);
        break;
      case 0x01:
        memory.write16(Bda.ticks + 2, frame.get('ecx'));
        memory.write16(Bda.ticks, frame.get('edx'));
        memory.write8(Bda.midnight, 0);
        break;
      case 0x02:
        frame.set('ecx', (this.#rtc(rtc.hours) << 8) | this.#rtc(rtc.minutes));
        frame.set('edx', this.#rtc(rtc.seconds) << 8);
        break;
      case 0x03:
        this.#setRtc(rtc.hours, frame.ch);
        this.#setRtc(rtc.minutes, frame.cl);
        this.#setRtc(rtc.seconds, frame.dh);
        break;
      case 0x04:
        frame.set('ecx', (this.#rtc(rtc.century) << 8) | this.#rtc(rtc.year));
        frame.set('edx', (this.#rtc(rtc.month) << 8) | this.#rtc(rtc.day));
        break;
      case 0x05:
        this.#setRtc(rtc.century, frame.ch);
        this.#setRtc(rtc.year, frame.cl);
        this.#setRtc(rtc.month, frame.dh);
        this.#setRtc(rtc.day, frame.dl);
        break;
      case 0x06:
        frame.carry = !this.#setAlarm(frame);
        break;
      case 0x07:
        this.#setRtc(rtc.statusB, this.#rtc(rtc.statusB) & ~rtcAlarm);
        break;
      default:
        break;
    }
  }

  /** Serves INT 15h, AH = 83h: sets bit 7 of a byte once some microseconds have passed. */
  serveWait(frame: BiosFrame): OutcomeValue {
    const memory = this.#memory;
    const isBusy = memory.read8(Bda.waitActive) !== 0;
    frame.carry = frame.al > 1 || (frame.al === 0 && isBusy);
    if (frame.al === 0 && !isBusy) {
      memory.write16(Bda.waitFlag, frame.get('ebx'));
      memory.write16(Bda.waitFlag + 2, frame.get('es'));
      memory.write16(Bda.waitMicroseconds, frame.get('edx'));
      memory.write16(Bda.waitMicroseconds + 2, frame.get('ecx'));
      memory.write8(Bda.waitActive, 1);
      this.#openIrq8();
      this.#setRtc(rtc.statusB, this.#rtc(rtc.statusB) | rtcPeriodic);
    } else if (frame.al === 1) {
      this.#endWait();
    }
    frame.ah = frame.al > 1 ? 0x86 : 0;
    return Outcome.done;
  }

  /** Counts one period of the clock's periodic interrupt, 1,024 of which are a second. */
  countWait(): void {
    const memory = this.#memory;
    if (memory.read8(Bda.waitActive) === 0) {
      return;
    }
    const left = (memory.read32(Bda.waitMicroseconds) >>> 0) - periodMicroseconds;
    memory.write32(Bda.waitMicroseconds, Math.max(0, left) | 0);
    if (left <= 0) {
      const flag = memory.read16(Bda.waitFlag + 2) * 16 + memory.read16(Bda.waitFlag);
      memory.write8(flag, memory.read8(flag) | 0x80);
      this.#endWait();
    }
  }

  #endWait(): void {
    this.#memory.write8(Bda.waitActive, 0);
    this.#setRtc(rtc.statusB, this.#rtc(rtc.statusB) & ~rtcPeriodic);
  }

  /** Sets the alarm, which is INT 4Ah, unless there is one. */
  #setAlarm(frame: BiosFrame): boolean {
    if ((this.#rtc(rtc.statusB) & rtcAlarm) !== 0) {
      return false;
    }
    this.#setRtc(rtc.alarmHours, frame.ch);
    this.#setRtc(rtc.alarmMinutes, frame.cl);
    this.#setRtc(rtc.alarmSeconds, frame.dh);
    this.#openIrq8();
    this.#setRtc(rtc.statusB, this.#rtc(rtc.statusB) | rtcAlarm);
    return true;
  }

  #openIrq8(): void {
    const mask = 0xa1;
    this.#ports.writePort(mask, 1, this.#ports.readPort(mask, 1) & ~1);
  }

  #rtc(index: number): number {
    this.#ports.writePort(rtcIndex, 1, index);
    return this.#ports.readPort(rtcData, 1);
  }

  #setRtc(index: number, value: number): void {
    this.#ports.writePort(rtcIndex, 1, index);
    this.#ports.writePort(rtcData, 1, value);
  }

  #servePci(frame: BiosFrame): void {
    const service = frame.al & 0x7f;
    let status: number = pciStatus.ok;
    if (service === 0x01) {
      frame.set('eax', 1);
      frame.set('ebx', 0x0210);
      frame.set('ecx', 0);
      frame.set32('edx', 0x2049_4350);
    } else if (service === 0x02 || service === 0x03) {
      status = this.#findPci(frame, service === 0x03);
    } else if (service >= 0x08 && service <= 0x0d) {
      status = this.#accessPci(frame, service);
    } else {
      status = pciStatus.unsupported;
    }
    frame.ah = status;
    frame.carry = status !== pciStatus.ok;
  }

  /** Finds the function of the caller's index with its device number, or class. */
  #findPci(frame: BiosFrame, byClass: boolean): number {
    const device = (frame.get('ecx') << 16) | frame.get('edx');
    const wanted = byClass ? frame.get32('ecx') & 0xff_ffff : device >>> 0;
    let index = frame.get('esi');
    for (let place = 0; place < 0x100; place += 1) {
      const word = this.#readPci(place, byClass ? 8 : 0, 4);
      const isPresent = this.#readPci(place, 0, 2) !== 0xffff;
      if (isPresent && (byClass ? word >>> 8 : word) === wanted) {
        if (index === 0) {
          frame.set('ebx', place);
          return pciStatus.ok;
        }
        index -= 1;
      }
    }
    return pciStatus.notFound;
  }

  #accessPci(frame: BiosFrame, service: number): number {
    const place = frame.get('ebx');
    const register = frame.get('edi');
    const size = ([1, 2, 4] as const)[(service - 0x08) % 3] ?? 1;
    if (register > 0xff || (register & (size - 1)) !== 0) {
      return pciStatus.badRegister;
    }
    if (service >= 0x0b) {
      this.#select(place, register);
      const value = frame.get32('ecx');
      const bits = size === 4 ? value : value & (size === 2 ? 0xffff : 0xff);
      this.#ports.writePort(pciData + (register & 3), size, bits);
      return pciStatus.ok;
    }
    const value = this.#readPci(place, register, size);
    if (size === 4) {
      frame.set32('ecx', value);
    } else {
      frame.set('ecx', size === 2 ? value : (frame.get('ecx') & 0xff00) | value);
    }
    return pciStatus.ok;
  }

  #readPci(place: number, register: number, size: 1 | 2 | 4): number {
    this.#select(place, register);
    return this.#ports.readPort(pciData + (register & 3), size);
  }

  #select(place: number, register: number): void {
    const address = 0x8000_0000 + place * 0x100 + (register & 0xfc);
    this.#ports.writePort(pciAddress, 4, address);
  }
}
