/** INT 15h, AH = C2h, and INT 74h: the mouse (IBM PS/2 BIOS Interface, "Pointing Device"). */
import type { Clock, PortBus } from '@ringfence/devices';

import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { Ebda, Outcome } from './layout.ts';
import type { OutcomeValue } from './layout.ts';

/** What AH returns. */
const Status = { ok: 0, badFunction: 1, badInput: 2, failed: 3, noHandler: 5 } as const;

/** Bytes for the mouse. */
const Mouse = {
  scale1: 0xe6,
  scale2: 0xe7,
  resolution: 0xe8,
  status: 0xe9,
  identify: 0xf2,
  sampleRate: 0xf3,
  enable: 0xf4,
  disable: 0xf5,
  reset: 0xff,
} as const;
const acknowledge = 0xfa;

const dataPort = 0x60;
const commandPort = 0x64;
const statusBits = { full: 0x01, mouse: 0x20 } as const;
/** Bytes for the controller; the one that sets it up is followed by what it is to do. */
const Controller = { set: 0x60, toMouse: 0xd4 } as const;
const setUp = { base: 0x41, mouseIrq: 0x02 } as const;
const slaveMask = 0xa1;
const mouseRequest = 0x10;

const rates = [10, 20, 40, 60, 80, 100, 200] as const;
const mostPacket = 8;
const hasHandler = 0x80;
/** How long the mouse may take for a byte. */
const patienceNs = 50e6;

/** A row of bytes for the mouse and what it answered. */
interface Exchange {
  readonly owner: number;
  /** What is still to be sent; each byte is acknowledged. */
  readonly send: number[];
  /** The bytes that follow the acknowledgements. */
  readonly answers: number[];
  readonly expected: number;
  /** A byte was sent and not acknowledged yet. */
  waits: boolean;
  untilNs: number;
}

/** The services of the pointing device. */
export class MouseServices {
  readonly #memory: BiosMemory;
  readonly #ports: PortBus;
  readonly #clock: Clock;
  #exchange: Exchange | undefined;

  /** Makes the services of a board. */
  constructor(board: BiosBoard) {
    this.#memory = board.memory;
    this.#ports = board.ports;
    this.#clock = board.clock;
  }

  /** Forgets what was under way with the mouse. */
  reset(): void {
    this.#exchange = undefined;
  }

  /** Serves INT 15h, AH = C2h. */
  serve(frame: BiosFrame): OutcomeValue {
    switch (frame.al) {
      case 0x00:
        return this.#switch(frame);
      case 0x01:
        return this.#send(frame, [Mouse.reset], 2, ([, id = 0]) => {
          frame.set('ebx', (id << 8) | 0xaa);
        });
      case 0x02: {
        const rate = rates[frame.bh];
        return rate === undefined
          ? this.#end(frame, Status.badInput)
          : this.#send(frame, [Mouse.sampleRate, rate], 0);
      }
      case 0x03:
        return frame.bh > 3
          ? this.#end(frame, Status.badInput)
          : this.#send(frame, [Mouse.resolution, frame.bh], 0);
      case 0x04:
        return this.#send(frame, [Mouse.identify], 1, ([id = 0]) => {
          frame.set('ebx', (id << 8) | frame.bl);
        });
      case 0x05:
        return this.#start(frame);
      case 0x06:
        return this.#extended(frame);
      case 0x07:
        this.#setHandler(frame);
        return Outcome.done;
      default:
        return this.#end(frame, Status.badFunction);
    }
  }

  /**
   * Takes a byte that came with the mouse's interrupt. With the last one of a packet and a handler
   * the registers are what it is called with, and there is no carry.
   */
  take(frame: BiosFrame): void {
    const memory = this.#memory;
    frame.carry = true;
    const status = this.#ports.readPort(commandPort, 1);
    if ((status & statusBits.full) === 0 || (status & statusBits.mouse) === 0) {
      return;
    }
    const byte = this.#ports.readPort(dataPort, 1);
    const flags = memory.read8(Ebda.mouseFlags);
    if ((flags & hasHandler) === 0) {
      return;
    }
    const bytes = (flags & 7) + 1;
    const count = memory.read8(Ebda.mouseCount) & 7;
    memory.write8(Ebda.mousePacket + count, byte);
    if (count + 1 < bytes) {
      memory.write8(Ebda.mouseCount, count + 1);
      return;
    }
    memory.write8(Ebda.mouseCount, 0);
    const at = (index: number): number =>
      index < bytes ? memory.read8(Ebda.mousePacket + index) : 0;
    frame.set('eax', at(0));
    frame.set('ebx', at(1));
    frame.set('ecx', at(2));
    frame.set('edx', at(3));
    frame.carry = false;
  }

  /** AL = 00h: reports on or off. */
  #switch(frame: BiosFrame): OutcomeValue {
    if (frame.bh > 1) {
      return this.#end(frame, Status.badInput);
    }
    const isOn = frame.bh === 1;
    if (isOn && (this.#memory.read8(Ebda.mouseFlags) & hasHandler) === 0) {
      return this.#end(frame, Status.noHandler);
    }
    this.#memory.write8(Ebda.mouseCount, 0);
    return this.#send(frame, [isOn ? Mouse.enable : Mouse.disable], 0, undefined, isOn);
  }

  /** AL = 05h: starts with packets of BH bytes. */
  #start(frame: BiosFrame): OutcomeValue {
    if (frame.bh < 1 || frame.bh > mostPacket) {
      return this.#end(frame, Status.badInput);
    }
    const flags = this.#memory.read8(Ebda.mouseFlags) & hasHandler;
    this.#memory.write8(Ebda.mouseFlags, flags | (frame.bh - 1));
    this.#memory.write8(Ebda.mouseCount, 0);
    return this.#send(frame, [Mouse.reset], 2, ([, id = 0]) => {
      frame.set('ebx', (id << 8) | 0xaa);
    });
  }

  /** AL = 06h: what the mouse is set to, or its scaling. */
  #extended(frame: BiosFrame): OutcomeValue {
    if (frame.bh === 0) {
      return this.#send(frame, [Mouse.status], 3, ([status = 0, resolution = 0, rate = 0]) => {
        frame.set('ebx', (frame.bh << 8) | status);
        frame.set('ecx', (frame.ch << 8) | resolution);
        frame.set('edx', (frame.dh << 8) | rate);
      });
    }
    return frame.bh > 2
      ? this.#end(frame, Status.badInput)
      : this.#send(frame, [frame.bh === 1 ? Mouse.scale1 : Mouse.scale2], 0);
  }

  /** AL = 07h: the handler at ES:BX, or none. */
  #setHandler(frame: BiosFrame): void {
    const memory = this.#memory;
    const pointer = (frame.get('es') << 16) | frame.get('ebx');
    memory.write32(Ebda.mouseHandler, pointer);
    const flags = memory.read8(Ebda.mouseFlags) & ~hasHandler;
    memory.write8(Ebda.mouseFlags, flags | (pointer === 0 ? 0 : hasHandler));
    this.#end(frame, Status.ok);
  }

  /**
   * Sends bytes to the mouse and takes its answers, a step at each call; meanwhile its interrupt is
   * off, so that the answers stay in the controller.
   */
  #send(
    frame: BiosFrame,
    bytes: readonly number[],
    expected: number,
    use: (answers: readonly number[]) => void = () => undefined,
    reports: boolean = (this.#ports.readPort(slaveMask, 1) & mouseRequest) === 0,
  ): OutcomeValue {
    if (this.#exchange?.owner !== frame.address) {
      this.#control(setUp.base);
      const untilNs = this.#clock.now() + patienceNs;
      const begun = { owner: frame.address, send: [...bytes], answers: [], expected };
      this.#exchange = { ...begun, waits: false, untilNs };
    }
    const exchange = this.#exchange;
    const status = this.#step(exchange);
    if (status === undefined) {
      return Outcome.again;
    }
    this.#exchange = undefined;
    const mask = this.#ports.readPort(slaveMask, 1);
    this.#ports.writePort(slaveMask, 1, reports ? mask & ~mouseRequest : mask);
    this.#control(setUp.base | (reports ? setUp.mouseIrq : 0));
    if (status === Status.ok) {
      use(exchange.answers);
    }
    return this.#end(frame, status);
  }

  /** Goes on as far as it can without waiting; returns how it ended, once it has. */
  #step(exchange: Exchange): number | undefined {
    const ports = this.#ports;
    for (;;) {
      const byte = exchange.waits ? undefined : exchange.send.shift();
      if (byte !== undefined) {
        ports.writePort(commandPort, 1, Controller.toMouse);
        ports.writePort(dataPort, 1, byte);
        exchange.waits = true;
      }
      if (!exchange.waits && exchange.answers.length === exchange.expected) {
        return Status.ok;
      }
      const status = ports.readPort(commandPort, 1);
      if ((status & statusBits.full) === 0 || (status & statusBits.mouse) === 0) {
        // Nothing yet, or a key first, which its interrupt takes.
        return this.#clock.now() > exchange.untilNs ? Status.failed : undefined;
      }
      const answer = ports.readPort(dataPort, 1);
      exchange.untilNs = this.#clock.now() + patienceNs;
      if (!exchange.waits) {
        exchange.answers.push(answer);
      } else if (answer === acknowledge) {
        exchange.waits = false;
      }
      // What else comes before the acknowledgement belongs to a report that was under way.
    }
  }

  #control(value: number): void {
    this.#ports.writePort(commandPort, 1, Controller.set);
    this.#ports.writePort(dataPort, 1, value);
  }

  #end(frame: BiosFrame, status: number): OutcomeValue {
    frame.ah = status;
    frame.carry = status !== Status.ok;
    return Outcome.done;
  }
}
