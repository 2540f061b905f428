import { ManualClock } from '../manual-clock.ts';
import { ProbeLine } from '../test-fuzz.ts';
import { I8042 } from './device.ts';

/** A keyboard controller with a clock that is moved by hand. */
export class Rig {
  readonly clock = new ManualClock();
  readonly keyboardIrq = new ProbeLine();
  readonly mouseIrq = new ProbeLine();
  readonly a20 = new ProbeLine();
  resets = 0;
  leds = 0;
  readonly i8042 = new I8042({
    clock: this.clock,
    timers: this.clock,
    keyboardIrq: this.keyboardIrq,
    mouseIrq: this.mouseIrq,
    a20: this.a20,
    requestReset: () => (this.resets += 1),
    ledsChanged: (leds) => (this.leds = leds),
  });

  status(): number {
    return this.i8042.readPort(0x64, 1);
  }

  data(): number {
    return this.i8042.readPort(0x60, 1);
  }

  command(command: number, ...parameters: number[]): void {
    this.i8042.writePort(0x64, 1, command);
    for (const parameter of parameters) {
      this.i8042.writePort(0x60, 1, parameter);
    }
  }

  /** Sends bytes to the mouse and returns everything that it answers. */
  mouse(...bytes: number[]): number[] {
    return bytes.flatMap((byte) => {
      this.command(0xd4, byte);
      return this.drain();
    });
  }

  /** Sends bytes to the keyboard and returns everything that it answers. */
  keyboard(...bytes: number[]): number[] {
    return bytes.flatMap((byte) => {
      this.i8042.writePort(0x60, 1, byte);
      return this.drain();
    });
  }

  /** Reads until nothing comes for a while. */
  drain(): number[] {
    const bytes: number[] = [];
    this.clock.advance(1e6);
    while ((this.status() & 1) !== 0 && bytes.length < 1000) {
      bytes.push(this.data());
      this.clock.advance(1e6);
    }
    return bytes;
  }
}
