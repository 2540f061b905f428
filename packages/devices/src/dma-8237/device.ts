/** The DMA controllers of a PC: two 8237A with page registers, seven channels for devices. */
import type {
  AccessSize,
  DeviceState,
  DmaMemory,
  FixedPortDevice,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import * as reg from './registers.ts';
import { dmaShape, powerOnDma, powerOnDmaController } from './state.ts';
import type { DmaChannelState, DmaControllerState, DmaState } from './state.ts';

const stateVersion = 1;
const segmentUnits = 0x1_0000;

/** What became of a transfer. */
export interface DmaMove {
  /** How many bytes were moved. */
  readonly moved: number;
  /** Whether the channel came to its terminal count (the TC pin). */
  readonly ended: boolean;
}

/** One channel, as a device uses it. */
export interface DmaChannel {
  /** Says who is to be served when the channel is requested and lets data through. */
  connect(serve: () => void): void;
  /** Drives the request: `serve` is called at once, or when the guest unmasks the channel. */
  request(level: boolean): void;
  /** Moves bytes from the device to memory, as far as the count reaches. */
  toMemory(source: Uint8Array): DmaMove;
  /** Moves bytes from memory to the device, as far as the count reaches. */
  fromMemory(target: Uint8Array): DmaMove;
}

/** What the controllers are connected to. */
export interface Dma8237PairOptions {
  readonly memory: DmaMemory;
}

/** Two 8237A, the second one's channels 5 to 7 moving words. */
export class Dma8237Pair implements FixedPortDevice, Saveable, Resettable {
  /** The ports of both controllers and of the page registers. */
  readonly ports: readonly PortWindow[] = [
    { first: reg.dmaPort.first, count: 0x10 },
    { first: reg.dmaPort.pages + 1, count: 0x0f },
    { first: reg.dmaPort.second, count: 0x20 },
  ];
  readonly #memory: DmaMemory;
  readonly #serve: ((() => void) | undefined)[] = [];
  /** Levels of the request pins; they belong to the devices' states. */
  #requested = 0;
  #state: DmaState = powerOnDma();

  /** Connects the controllers, all of whose channels are masked. */
  constructor(options: Dma8237PairOptions) {
    this.#memory = options.memory;
  }

  /** Returns channel `index`, 0 to 7, for the one device that has it. */
  channel(index: number): DmaChannel {
    const bit = 1 << index;
    return {
      connect: (serve) => {
        this.#serve[index] = serve;
      },
      request: (level) => {
        this.#requested = level ? this.#requested | bit : this.#requested & ~bit;
        if (level) {
          this.#grant(index);
        }
      },
      toMemory: (source) => this.#move(index, source, reg.dmaDirection.toMemory),
      fromMemory: (target) => this.#move(index, target, reg.dmaDirection.fromMemory),
    };
  }

  /** Reads a register; reading the status clears its terminal counts. */
  readPort(port: number, _size: AccessSize): number {
    if (port >= reg.dmaPort.pages && port < reg.dmaPort.second) {
      return this.#state.pages[port & 0x0f] ?? 0;
    }
    const [index, register] = place(port);
    const controller = this.#controller(index);
    if (register < reg.dmaRegister.command) {
      const channel = controller.channels[register >> 1];
      const value = ((register & 1) === 0 ? channel?.address : channel?.count) ?? 0;
      controller.highByte = !controller.highByte;
      return controller.highByte ? value & 0xff : value >> 8;
    }
    if (register === reg.dmaRegister.command) {
      const requests = ((this.#requested >> (4 * index)) & 0x0f) | controller.requests;
      const status = (requests << 4) | controller.ended;
      controller.ended = 0;
      return status;
    }
    return register === reg.dmaRegister.allMasks ? 0xf0 | controller.mask : 0;
  }

  /** Writes a register. */
  writePort(port: number, _size: AccessSize, value: number): void {
    if (port >= reg.dmaPort.pages && port < reg.dmaPort.second) {
      this.#state.pages[port & 0x0f] = value & 0xff;
      return;
    }
    const [index, register] = place(port);
    const controller = this.#controller(index);
    if (register < reg.dmaRegister.command) {
      writeChannel(controller, register, value & 0xff);
    } else {
      this.#writeControl(index, register, value & 0xff);
    }
    for (let channel = 4 * index; channel < 4 * index + 4; channel += 1) {
      this.#grant(channel);
    }
  }

  /** Masks every channel; requests keep their levels. */
  reset(): void {
    this.#state = powerOnDma();
  }

  /** Returns a copy of all registers. */
  save(): DeviceState {
    return saveState('dma-8237', stateVersion, dmaShape, this.#state);
  }

  /** Takes over saved registers; restored devices request anew. */
  restore(state: unknown): void {
    this.#state = openState(state, 'dma-8237', stateVersion, dmaShape);
  }

  #controller(index: number): DmaControllerState {
    return this.#state.controllers[index] ?? powerOnDmaController();
  }

  #writeControl(index: number, register: number, value: number): void {
    const controller = this.#controller(index);
    const bit = 1 << (value & 3);
    const apply = (bits: number): number => ((value & 4) !== 0 ? bits | bit : bits & ~bit);
    switch (register) {
      case reg.dmaRegister.command:
        controller.command = value;
        break;
      case reg.dmaRegister.request:
        controller.requests = apply(controller.requests);
        break;
      case reg.dmaRegister.mask:
        controller.mask = apply(controller.mask);
        break;
      case reg.dmaRegister.mode: {
        const channel = controller.channels[value & 3];
        if (channel !== undefined) {
          channel.mode = value & 0xfc;
        }
        break;
      }
      case reg.dmaRegister.clearPointer:
        controller.highByte = false;
        break;
      case reg.dmaRegister.masterClear: {
        const { channels } = controller;
        this.#state.controllers[index] = { ...powerOnDmaController(), channels };
        break;
      }
      case reg.dmaRegister.clearMasks:
        controller.mask = 0;
        break;
      default:
        controller.mask = value & 0x0f;
        break;
    }
  }

  /** Lets a device go to work whose request is up and whose channel lets data through. */
  #grant(channel: number): void {
    if (((this.#requested >> channel) & 1) !== 0 && this.#isOpen(channel)) {
      this.#serve[channel]?.();
    }
  }

  #isOpen(channel: number): boolean {
    const controller = this.#controller(channel >> 2);
    const isMasked = ((controller.mask >> (channel & 3)) & 1) !== 0;
    return !isMasked && (controller.command & reg.dmaOff) === 0;
  }

  #move(index: number, data: Uint8Array, direction: number): DmaMove {
    const controller = this.#controller(index >> 2);
    const channel = controller.channels[index & 3];
    let moved = 0;
    let ended = false;
    const unitBytes = index < 4 ? 1 : 2;
    while (channel !== undefined && !ended && this.#isOpen(index)) {
      const left = Math.floor((data.length - moved) / unitBytes);
      const units = Math.min(left, channel.count + 1);
      if (units === 0) {
        break;
      }
      const part = data.subarray(moved, moved + units * unitBytes);
      // The direction is the guest's: with another one than the device's, time passes, not data.
      if (((channel.mode >> 2) & 3) === direction) {
        this.#copy(index, channel, part, direction === reg.dmaDirection.toMemory);
      }
      const step = (channel.mode & reg.dmaMode.down) !== 0 ? -units : units;
      channel.address = (channel.address + step) & 0xffff;
      moved += units * unitBytes;
      ended = units === channel.count + 1;
      channel.count = (channel.count - units) & 0xffff;
    }
    if (channel !== undefined && ended) {
      const bit = 1 << (index & 3);
      controller.ended |= bit;
      controller.requests &= ~bit;
      if ((channel.mode & reg.dmaMode.startsOver) !== 0) {
        channel.address = channel.baseAddress;
        channel.count = channel.baseCount;
      } else {
        controller.mask |= bit;
      }
    }
    return { moved, ended };
  }

  /** Copies units from the channel's address on; addresses wrap within the page's 64 Ki units. */
  #copy(index: number, channel: DmaChannelState, part: Uint8Array, toMemory: boolean): void {
    const unitBytes = index < 4 ? 1 : 2;
    const page = this.#state.pages[reg.dmaPages[index] ?? 0] ?? 0;
    // A page of words is 128 KiB, and bit 0 of its register has no effect.
    const base = (index < 4 ? page : page & 0xfe) * 0x1_0000;
    const down = (channel.mode & reg.dmaMode.down) !== 0;
    const total = part.length / unitBytes;
    let address = channel.address;
    for (let done = 0; done < total;) {
      const run = down ? 1 : Math.min(total - done, segmentUnits - address);
      const at = base + address * unitBytes;
      const slice = part.subarray(done * unitBytes, (done + run) * unitBytes);
      if (toMemory) {
        this.#memory.write(at, slice);
      } else {
        this.#memory.read(at, slice);
      }
      done += run;
      address = (address + (down ? -run : run)) & 0xffff;
    }
  }
}

/** Returns the controller and the register of a port. */
function place(port: number): [controller: 0 | 1, register: number] {
  return port < reg.dmaPort.second ? [0, port & 0x0f] : [1, (port & 0x1e) >> 1];
}

function writeChannel(controller: DmaControllerState, register: number, value: number): void {
  const channel = controller.channels[register >> 1];
  if (channel === undefined) {
    return;
  }
  const merge = (before: number): number =>
    controller.highByte ? (before & 0x00ff) | (value << 8) : (before & 0xff00) | value;
  if ((register & 1) === 0) {
    channel.baseAddress = merge(channel.baseAddress);
    channel.address = channel.baseAddress;
  } else {
    channel.baseCount = merge(channel.baseCount);
    channel.count = channel.baseCount;
  }
  controller.highByte = !controller.highByte;
}
