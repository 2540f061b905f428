import { expect } from 'vitest';
import type {
  AccessSize,
  FixedPortDevice,
  IrqLine,
  MmioDevice,
  Resettable,
  Saveable,
} from './interfaces.ts';
import type { ManualClock } from './manual-clock.ts';
import { PortBus } from './port-bus.ts';

/** A small seeded generator (Marsaglia's xorshift32), so that a failure comes back. */
export class Random {
  #word: number;

  constructor(seed: number) {
    this.#word = seed === 0 ? 1 : seed;
  }

  below(limit: number): number {
    this.#word ^= this.#word << 13;
    this.#word ^= this.#word >>> 17;
    this.#word ^= this.#word << 5;
    return (this.#word >>> 0) % limit;
  }
}

/** A wire that remembers its level and how often it rose. */
export class ProbeLine implements IrqLine {
  level = false;
  rises = 0;

  set(level: boolean): void {
    if (level && !this.level) {
      this.rises += 1;
    }
    this.level = level;
  }
}

const sizes: readonly AccessSize[] = [1, 1, 1, 2, 4];

/** How long a saved state may become as JSON text, whatever the guest did. */
const longestStateText = 40_000;

/** What `fuzzPorts` needs. */
export interface PortFuzz {
  readonly make: () => FixedPortDevice & Saveable & Resettable;
  readonly clock?: ManualClock;
  readonly seed?: number;
  readonly rounds?: number;
  /** Time moves by up to two to this power of nanoseconds at once. */
  readonly advanceBits?: number;
  /** Something to do between accesses: input from the host. */
  readonly between?: (device: FixedPortDevice, random: Random) => void;
}

/**
 * Throws random accesses, and time, at a device.
 *
 * Every read must be in range for its size, nothing may throw, the saved state must stay small, and
 * a second device restored from it must save the same.
 */
export function fuzzPorts(fuzz: PortFuzz): void {
  const { clock, seed = 0x5eed, rounds = 30_000, advanceBits = 24 } = fuzz;
  const random = new Random(seed);
  const device = fuzz.make();
  const bus = new PortBus();
  bus.attach(device);
  for (let round = 0; round < rounds; round += 1) {
    const window = device.ports[random.below(device.ports.length)];
    const port = (window?.first ?? 0) + random.below(window?.count ?? 1);
    const size = sizes[random.below(sizes.length)] ?? 1;
    if (random.below(3) === 0) {
      const value = bus.readPort(port, size);
      if (!(Number.isInteger(value) && value >= 0 && value < 2 ** (size * 8))) {
        expect.fail(`port ${port.toString(16)} read ${String(value)} in round ${String(round)}`);
      }
    } else {
      bus.writePort(port, size, random.below(2 ** 32));
    }
    if (random.below(8) === 0) {
      clock?.advance(random.below(1 << (1 + random.below(advanceBits))));
      fuzz.between?.(device, random);
    }
    if (random.below(5000) === 0) {
      device.reset();
    }
    if (round % 1000 === 0) {
      checkStateCopies(device, fuzz.make());
    }
  }
}

/** What `fuzzMmio` needs. */
export interface MmioFuzz<Device extends MmioDevice & Saveable & Resettable> {
  readonly make: () => Device;
  /** The bytes of the device's region. */
  readonly bytes: number;
  readonly clock?: ManualClock;
  readonly rounds?: number;
  /** Time moves by up to two to this power of nanoseconds at once. */
  readonly advanceBits?: number;
  /** Something to do between accesses: wires, acknowledges. */
  readonly between?: (device: Device, random: Random) => void;
}

/** Does to a memory-mapped device what `fuzzPorts` does to one at ports; accesses are aligned. */
export function fuzzMmio<Device extends MmioDevice & Saveable & Resettable>(
  fuzz: MmioFuzz<Device>,
): void {
  const { clock, bytes, rounds = 30_000, advanceBits = 24 } = fuzz;
  const random = new Random(0x5eed);
  const device = fuzz.make();
  for (let round = 0; round < rounds; round += 1) {
    const size = random.below(4) === 0 ? (sizes[random.below(sizes.length)] ?? 1) : 4;
    const step = random.below(4) === 0 ? size : 16;
    const address = Math.floor(random.below(bytes) / step) * step;
    if (random.below(3) === 0) {
      const value = device.readMmio(address, size);
      if (!(Number.isInteger(value) && value >= 0 && value < 2 ** (size * 8))) {
        expect.fail(`${address.toString(16)} read ${String(value)} in round ${String(round)}`);
      }
    } else {
      device.writeMmio(address, size, random.below(2 ** (8 * size)));
    }
    if (random.below(8) === 0) {
      clock?.advance(random.below(1 << (1 + random.below(advanceBits))));
      fuzz.between?.(device, random);
    }
    if (random.below(5000) === 0) {
      device.reset();
    }
    if (round % 1000 === 0) {
      checkStateCopies(device, fuzz.make());
    }
  }
}

function checkStateCopies(device: Saveable, other: Saveable): void {
  const saved = device.save();
  const text = JSON.stringify(saved);
  expect(text.length).toBeLessThan(longestStateText);
  other.restore(JSON.parse(text));
  expect(other.save()).toEqual(saved);
}
