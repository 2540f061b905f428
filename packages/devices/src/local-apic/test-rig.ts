import { ManualClock } from '../manual-clock.ts';
import { ProbeLine } from '../test-fuzz.ts';
import { LocalApic } from './device.ts';
import type { LocalApicOptions } from './options.ts';
import { apicRegister as at } from './registers.ts';

/** A local APIC of identifier 0 with everything that it is connected to. */
export class Rig {
  readonly clock: ManualClock = new ManualClock();
  readonly interrupt: ProbeLine = new ProbeLine();
  nmis: number = 0;
  readonly external: number[] = [];
  readonly ended: number[] = [];
  readonly moves: (number | undefined)[] = [];
  readonly apic: LocalApic;

  constructor(extra: Partial<LocalApicOptions> = {}) {
    this.apic = new LocalApic({
      id: 0,
      clock: this.clock,
      timers: this.clock,
      interrupt: this.interrupt,
      raiseNmi: () => (this.nmis += 1),
      external: { acknowledge: () => this.external.shift() ?? 0 },
      endOfInterrupt: (vector) => this.ended.push(vector),
      moved: (address) => this.moves.push(address),
      tsc: { hertz: 1e9, now: () => Math.floor(this.clock.now()) },
      ...extra,
    });
  }

  /** An APIC that software has enabled, with spurious vector 0xff. */
  static enabled(extra: Partial<LocalApicOptions> = {}): Rig {
    const rig = new Rig(extra);
    rig.write(at.spurious, 0x1ff);
    return rig;
  }

  read(offset: number): number {
    return this.apic.readMmio(offset, 4);
  }

  write(offset: number, value: number): void {
    this.apic.writeMmio(offset, 4, value);
  }

  /** Delivers a fixed interrupt to identifier 0. */
  send(vector: number, level = false): boolean {
    return this.apic.receive({ destination: 0, logical: false, mode: 0, vector, level });
  }
}
