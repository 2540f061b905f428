/** The registers of the Bochs extension of the display adapter, by an index and a data port. */
import { vbeRegister } from '@ringfence/devices';
import type { PortBus } from '@ringfence/devices';

const indexPort = 0x1ce;
const dataPort = 0x1cf;
const windowAt = 0xa_0000;
const windowBytes = 0x1_0000;

/** Where the window ends in which a bank of the memory shows. */
export const windowEnd: number = windowAt + windowBytes;

/** Reads and writes them; their numbers are those of `vbeRegister`. */
export class VbeRegisters {
  readonly #ports: PortBus;

  constructor(ports: PortBus) {
    this.#ports = ports;
  }

  /** Reads a register. */
  read(index: number): number {
    this.#ports.writePort(indexPort, 2, index);
    return this.#ports.readPort(dataPort, 2);
  }

  /** Writes a register. */
  write(index: number, value: number): void {
    this.#ports.writePort(indexPort, 2, index);
    this.#ports.writePort(dataPort, 2, value);
  }

  /** Shows the bank of a byte of the memory, and returns where the byte stands in the window. */
  show(offset: number): number {
    const bank = Math.floor(offset / windowBytes);
    if (this.read(vbeRegister.bank) !== bank) this.write(vbeRegister.bank, bank);
    return windowAt + (offset % windowBytes);
  }

  /** Draws, and puts the bank back that a program had. */
  withBank<Result>(draw: () => Result): Result {
    const bank = this.read(vbeRegister.bank);
    const result = draw();
    this.write(vbeRegister.bank, bank);
    return result;
  }
}
