/** The registers of the Bochs extension of the display adapter, by an index and a data port. */
import type { PortBus } from '@ringfence/devices';

const indexPort = 0x1ce;
const dataPort = 0x1cf;

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
}
