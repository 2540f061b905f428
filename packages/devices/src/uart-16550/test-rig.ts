import { ManualClock } from '../manual-clock.ts';
import { ProbeLine } from '../test-fuzz.ts';
import { Uart16550, type Uart16550Options } from './device.ts';

/** The first port of the UART under test. */
export const base = 0x3f8;
/** The offset of receive and transmit. */
export const rbr = 0;
/** The offset of interrupt enable. */
export const ierPort = 1;
/** The offset of interrupt identity and FIFO control. */
export const iirPort = 2;
/** The offset of line control. */
export const lcrPort = 3;
/** The offset of modem control. */
export const mcrPort = 4;
/** The offset of line status. */
export const lsrPort = 5;
/** The offset of modem status. */
export const msrPort = 6;
/** The offset of scratch. */
export const scrPort = 7;

/** A UART with everything that it is connected to. */
export class Rig {
  readonly clock: ManualClock = new ManualClock();
  readonly irq: ProbeLine = new ProbeLine();
  readonly sent: number[] = [];
  readonly uart: Uart16550;

  constructor(extra: Partial<Uart16550Options> = {}) {
    this.uart = new Uart16550({
      base,
      clock: this.clock,
      timers: this.clock,
      irq: this.irq,
      output: { write: (byte) => this.sent.push(byte) },
      ...extra,
    });
  }

  in(offset: number): number {
    return this.uart.readPort(base + offset, 1);
  }

  out(offset: number, value: number): void {
    this.uart.writePort(base + offset, 1, value);
  }
}

/**
 * FIFOs on with a trigger level of 14, all interrupts on, OUT2 set, 115200 8N1: as Linux leaves it.
 */
export function running(interrupts = 0x0f): Rig {
  const rig = new Rig();
  rig.out(lcrPort, 0x83);
  rig.out(rbr, 1);
  rig.out(ierPort, 0);
  rig.out(lcrPort, 0x03);
  rig.out(iirPort, 0xc1);
  rig.out(mcrPort, 0x0b);
  rig.out(ierPort, interrupts);
  rig.in(iirPort);
  return rig;
}
