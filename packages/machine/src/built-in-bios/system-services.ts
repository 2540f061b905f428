/** INT 11h, 12h, 14h, 15h and 17h: equipment, memory, serial ports, waiting. */
import type { Clock, IrqLine, PortBus, Timer } from '@ringfence/devices';

import { e820Map } from '../boot/memory-map.ts';
import type { RequestBox } from '../requests.ts';
import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { Bda, ebdaSegment, Outcome, Rom, wakeIrq } from './layout.ts';
import type { OutcomeValue } from './layout.ts';
import { apm } from './power-program.ts';
import type { BiosProgram } from './program.ts';

const smap = 0x534d_4150;
const entryBytes = 20;
const unsupported = 0x86;
/** Bits of CX: protected mode of 16 and of 32 bits. Bytes of the segments that callers make. */
const apmModes = 0x0003;
const apmSegmentBytes = 0xfff0;
const a20Port = 0x92;
const a20Bit = 2;
const kib = 1024;
const mib16 = 0x100_0000;

/** The services of the system board. */
export class SystemServices {
  readonly #memory: BiosMemory;
  readonly #program: BiosProgram;
  readonly #ports: PortBus;
  readonly #requests: RequestBox;
  readonly #clock: Clock;
  readonly #irq: IrqLine;
  readonly #timer: Timer;
  /** When the wait of a caller is over, by the address of its registers. */
  #waiting: { readonly owner: number; readonly untilNs: number } | undefined;

  /** Makes the services of a board. */
  constructor(board: BiosBoard, program: BiosProgram) {
    this.#memory = board.memory;
    this.#program = program;
    this.#ports = board.ports;
    this.#requests = board.requests;
    this.#clock = board.clock;
    this.#irq = board.isaIrq(wakeIrq);
    this.#timer = board.timers.create(() => {
      this.#irq.set(true);
    });
  }

  /** Serves the interrupts that have no functions to choose from, or few. */
  serveSimple(interrupt: number, frame: BiosFrame): void {
    if (interrupt === 0x11) {
      frame.set('eax', this.#memory.read16(Bda.equipment));
    } else if (interrupt === 0x12) {
      frame.set('eax', this.#memory.read16(Bda.memoryKib));
    } else if (interrupt === 0x14) {
      this.#serial(frame);
    } else if (interrupt === 0x17) {
      this.#print(frame);
    }
  }

  /** Serves INT 15h. */
  serve(frame: BiosFrame): OutcomeValue {
    const { usableBytes: ramBytes } = this.#memory;
    frame.carry = false;
    switch (frame.ah) {
      case 0x24:
        this.#gate(frame);
        break;
      case 0x53:
        this.#servePower(frame);
        break;
      case 0x90: // Another program may run, and may go on:
      case 0x91: // there is none.
        frame.ah = 0;
        break;
      case 0x4f:
        frame.carry = true; // The scan code stays as it is.
        break;
      case 0x86:
        return this.#wait(frame);
      case 0x87:
        this.#moveBlock(frame);
        break;
      case 0x88:
        frame.set('eax', Math.min(0xffff, ramBytes / kib - 1024));
        break;
      case 0xc0:
        frame.set('es', Rom.segment);
        frame.set('ebx', Rom.configuration);
        frame.ah = 0;
        break;
      case 0xc1:
        frame.set('es', ebdaSegment);
        break;
      case 0xe8:
        this.#memorySize(frame, ramBytes);
        break;
      default:
        frame.ah = unsupported;
        frame.carry = true;
    }
    return Outcome.done;
  }

  #gate(frame: BiosFrame): void {
    const value = this.#ports.readPort(a20Port, 1);
    switch (frame.al) {
      case 0x00:
        this.#ports.writePort(a20Port, 1, value & ~a20Bit & 0xfe);
        break;
      case 0x01:
        this.#ports.writePort(a20Port, 1, (value | a20Bit) & 0xfe);
        break;
      case 0x02:
        frame.al = this.#memory.a20 ? 1 : 0;
        break;
      case 0x03:
        frame.set('ebx', 3); // By the keyboard controller, and by port 92h.
        break;
      default:
        frame.ah = unsupported;
        frame.carry = true;
        return;
    }
    frame.ah = 0;
  }

  /** AH = 86h: waits CX:DX microseconds. */
  #wait(frame: BiosFrame): OutcomeValue {
    const now = this.#clock.now();
    if (this.#waiting?.owner !== frame.address) {
      const microseconds = frame.get('ecx') * 0x1_0000 + frame.get('edx');
      this.#waiting = { owner: frame.address, untilNs: now + microseconds * 1000 };
      this.#timer.arm(this.#waiting.untilNs);
    }
    this.#irq.set(false);
    if (now < this.#waiting.untilNs) {
      return Outcome.wait;
    }
    this.#timer.cancel();
    this.#waiting = undefined;
    return Outcome.done;
  }

  /** AH = 87h: copies CX words between the two segments of a table at ES:SI. */
  #moveBlock(frame: BiosFrame): void {
    const memory = this.#memory;
    // Its addresses are none of a virtual-8086 mode, whose kernel serves this itself.
    frame.carry = memory.isVirtual;
    if (memory.isVirtual) {
      frame.ah = unsupported;
      return;
    }
    const table = frame.at('es', frame.get('esi'));
    const base = (entry: number): number =>
      (memory.read32(table + entry + 2) & 0xff_ffff) + memory.read8(table + entry + 7) * mib16;
    const bytes = new Uint8Array(Math.min(frame.get('ecx'), 0x8000) * 2);
    const isOpen = memory.a20;
    memory.setA20(true);
    memory.read(base(0x10), bytes);
    memory.write(base(0x18), bytes);
    memory.setA20(isOpen);
    frame.ah = 0;
  }

  #memorySize(frame: BiosFrame, ramBytes: number): void {
    if (frame.al === 0x20 && frame.get32('edx') === smap) {
      this.#mapEntry(frame, ramBytes);
    } else if (frame.al === 0x01) {
      const below = Math.max(0, Math.min(ramBytes, mib16) / kib - 1024);
      const above = Math.max(0, ramBytes - mib16) / (64 * kib);
      frame.set('eax', below);
      frame.set('ecx', below);
      frame.set('ebx', above);
      frame.set('edx', above);
    } else {
      frame.ah = unsupported;
      frame.carry = true;
    }
  }

  /** EAX = E820h: the entry of index EBX, to ES:DI. */
  #mapEntry(frame: BiosFrame, ramBytes: number): void {
    const map = e820Map(ramBytes);
    const index = frame.get32('ebx');
    const entry = map[index];
    if (entry === undefined || frame.get32('ecx') < entryBytes) {
      frame.ah = unsupported;
      frame.carry = true;
      return;
    }
    const at = frame.at('es', frame.get('edi'));
    const memory = this.#memory;
    for (const [offset, value] of [entry.base, 0, entry.bytes, 0, entry.type].entries()) {
      memory.write32(at + 4 * offset, value | 0);
    }
    frame.set32('eax', smap);
    frame.set32('ecx', entryBytes);
    frame.set32('ebx', index + 1 < map.length ? index + 1 : 0);
  }

  /** AH = 53h: power management (APM BIOS Specification 1.2, 4.6). */
  #servePower(frame: BiosFrame): void {
    switch (frame.al) {
      case 0x00: // Is it there?
        frame.set('eax', apm.version);
        frame.set('ebx', apm.signature);
        frame.set('ecx', apmModes);
        break;
      case 0x07:
        if (frame.get('ebx') === 1 && frame.get('ecx') === 3) {
          this.#requests.ask({ kind: 'end', end: { reason: 'poweroff' } });
        }
        break;
      case 0x0a: // On line, no battery.
        frame.set('ebx', apm.onLine);
        frame.set('ecx', apm.unknown);
        frame.set('edx', apm.unknown);
        break;
      case 0x0b: // No event is waiting.
        frame.ah = 0x80;
        frame.carry = true;
        break;
      case 0x0e:
        frame.set('eax', apm.version);
        break;
      case 0x01: // Connect in real mode, disconnect, idle, busy, on or off.
      case 0x04:
      case 0x05:
      case 0x06:
      case 0x08:
      case 0x0d:
      case 0x0f:
        break;
      case 0x02:
      case 0x03:
        this.#connectPower(frame);
        break;
      default:
        frame.ah = 0x0c;
        frame.carry = true;
    }
  }

  /** AX = 5302h and 5303h: the segments and the entry for callers in protected mode. */
  #connectPower(frame: BiosFrame): void {
    const is32 = frame.al === 0x03;
    frame.set('eax', Rom.segment);
    frame.set('ecx', Rom.segment);
    frame.set('edi', apmSegmentBytes);
    if (is32) {
      frame.set('edx', Rom.segment);
      frame.set32('ebx', this.#program.apm.code32);
      frame.set32('esi', (apmSegmentBytes << 16) | apmSegmentBytes);
    } else {
      frame.set('ebx', this.#program.apm.code16);
      frame.set('esi', apmSegmentBytes);
    }
  }

  /** INT 17h: prints a character, starts the printer, tells its state. */
  #print(frame: BiosFrame): void {
    const port = this.#memory.read16(Bda.parallelPorts + 2 * (frame.get('edx') & 3));
    const ports = this.#ports;
    if (port === 0 || frame.ah > 2) {
      frame.ah = 0x01; // It does not answer in time.
      return;
    }
    if (frame.ah === 0) {
      ports.writePort(port, 1, frame.al);
      ports.writePort(port + 2, 1, 0x0d);
      ports.writePort(port + 2, 1, 0x0c);
    } else if (frame.ah === 1) {
      ports.writePort(port + 2, 1, 0x08);
      ports.writePort(port + 2, 1, 0x0c);
    }
    // Acknowledge and error are low where they are true.
    frame.ah = (ports.readPort(port + 1, 1) ^ 0x48) & 0xf8;
  }

  /** INT 14h: sets a serial port up, sends, receives; nothing waits. */
  #serial(frame: BiosFrame): void {
    const port = this.#memory.read16(Bda.serialPorts + 2 * (frame.get('edx') & 3));
    if (port === 0) {
      frame.ah = 0x80;
      return;
    }
    const ports = this.#ports;
    if (frame.ah === 0x00) {
      const divisors = [1047, 768, 384, 192, 96, 48, 24, 12] as const;
      const divisor = divisors[frame.al >> 5] ?? 12;
      ports.writePort(port + 3, 1, 0x80);
      ports.writePort(port, 1, divisor & 0xff);
      ports.writePort(port + 1, 1, divisor >> 8);
      ports.writePort(port + 3, 1, frame.al & 0x1f);
      ports.writePort(port + 4, 1, 0x03);
    } else if (frame.ah === 0x01) {
      ports.writePort(port, 1, frame.al);
      frame.ah = ports.readPort(port + 5, 1) & 0x7f;
      return;
    } else if (frame.ah === 0x02) {
      const status = ports.readPort(port + 5, 1);
      if ((status & 1) === 0) {
        frame.ah = 0x80 | status;
        return;
      }
      frame.al = ports.readPort(port, 1);
      frame.ah = status & 0x1e;
      return;
    }
    frame.al = ports.readPort(port + 6, 1);
    frame.ah = ports.readPort(port + 5, 1);
  }
}
