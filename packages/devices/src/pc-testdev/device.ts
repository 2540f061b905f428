/** What test kernels try an emulator with: ports, memory and interrupt requests (`pc-testdev`). */
import type {
  AccessSize,
  DeviceState,
  FixedPortDevice,
  IrqLine,
  MmioDevice,
  PortWindow,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import * as reg from './registers.ts';
import { pcTestDeviceShape } from './state.ts';

const stateVersion = 1;

/** What the test device is connected to. */
export interface PcTestDeviceOptions {
  /** Returns the wire of an interrupt request, 0 to 15. */
  readonly irq: (request: number) => IrqLine;
}

/** The test device: a port device, and an MMIO device of 64 KiB. */
export class PcTestDevice implements FixedPortDevice, MmioDevice, Saveable, Resettable {
  /** The register, the ports that only take, and the interrupt requests. */
  readonly ports: readonly PortWindow[] = [
    { first: reg.testRegister, count: 4, widest: 4 },
    { first: reg.testFlush, count: 4, widest: 4 },
    // The debug console stands in the middle.
    { first: reg.testRegisterAlias, count: 4, widest: 4, overlap: 'yield' },
    { first: reg.testRequests, count: reg.testRequestCount },
  ];
  readonly #lines: readonly IrqLine[];
  readonly #register = new DataView(new ArrayBuffer(4));
  readonly #memory = new DataView(new ArrayBuffer(reg.testMemoryBytes));
  #requests = 0;

  /** Connects the device. */
  constructor(options: PcTestDeviceOptions) {
    this.#lines = Array.from({ length: reg.testRequestCount }, (_nothing, request) =>
      options.irq(request),
    );
  }

  /** Reads the register; the other ports are zero. */
  readPort(port: number, size: AccessSize): number {
    return isRegister(port) ? read(this.#register, port & 3, size) : 0;
  }

  /** Writes the register, or drives an interrupt request. */
  writePort(port: number, size: AccessSize, value: number): void {
    if (isRegister(port)) {
      write(this.#register, port & 3, size, value);
    } else if (port >= reg.testRequests) {
      const bit = 1 << (port - reg.testRequests);
      this.#drive(value === 0 ? this.#requests & ~bit : this.#requests | bit);
    }
  }

  /** Reads what was written. */
  readMmio(address: number, size: AccessSize): number {
    return read(this.#memory, address & (reg.testMemoryBytes - size), size);
  }

  /** Keeps what is written. */
  writeMmio(address: number, size: AccessSize, value: number): void {
    write(this.#memory, address & (reg.testMemoryBytes - size), size, value);
  }

  /** Lowers all requests and clears the registers. */
  reset(): void {
    this.#register.setUint32(0, 0);
    new Uint32Array(this.#memory.buffer).fill(0);
    this.#drive(0);
  }

  /** Returns a copy of all registers. */
  save(): DeviceState {
    const words = new Uint32Array(this.#memory.buffer);
    const memory = Array.from(words.subarray(0, words.findLastIndex((word) => word !== 0) + 1));
    const register = this.#register.getUint32(0, true);
    const state = { register, requests: this.#requests, memory };
    return saveState('pc-testdev', stateVersion, pcTestDeviceShape, state);
  }

  /** Takes over saved registers and drives the requests. */
  restore(state: unknown): void {
    const saved = openState(state, 'pc-testdev', stateVersion, pcTestDeviceShape);
    this.reset();
    this.#register.setUint32(0, saved.register, true);
    new Uint32Array(this.#memory.buffer).set(saved.memory);
    this.#drive(saved.requests);
  }

  #drive(requests: number): void {
    this.#requests = requests;
    for (const [request, line] of this.#lines.entries()) {
      line.set((requests & (1 << request)) !== 0);
    }
  }
}

function isRegister(port: number): boolean {
  return (port & ~3) === reg.testRegister || (port & ~3) === reg.testRegisterAlias;
}

function read(view: DataView, offset: number, size: AccessSize): number {
  if (size === 4) return view.getUint32(offset, true);
  return size === 2 ? view.getUint16(offset, true) : view.getUint8(offset);
}

function write(view: DataView, offset: number, size: AccessSize, value: number): void {
  if (size === 4) view.setUint32(offset, value, true);
  else if (size === 2) view.setUint16(offset, value, true);
  else view.setUint8(offset, value);
}
