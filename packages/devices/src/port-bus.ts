/**
 * The I/O port space: which device answers which of the 65,536 ports.
 *
 * Hot path: `readPort` and `writePort` run for every IN and OUT of the guest. They cost one look-up
 * in a `Uint16Array` and one call, 8 ns in `port-bus.bench.ts` (Node 20, 2.5 GHz); the splitting of
 * wide accesses is a branch away.
 */
import { DeviceError } from './error.ts';
import type { AccessSize, FixedPortDevice, PortDevice, PortWindow } from './interfaces.ts';

/** How many ports there are (SDM 1, 19.3). */
export const portCount = 0x1_0000;

/**
 * How many ranges can be claimed at one time.
 *
 * It is more than the base address registers of a full PCI bus (32 devices of 8 functions with 6
 * each) and the legacy ranges together, so that no guest reaches it.
 */
export const maximumClaims = 2047;

/** A range of ports and the device that answers there. */
export interface PortRange extends PortWindow {
  /** Who answers. */
  readonly device: PortDevice;
}

/** A claimed range, until it is released. */
export interface PortClaim {
  /** Takes the range off the bus; a second call does nothing. */
  release(): void;
}

/**
 * A bus that dispatches port accesses to devices, usable without a machine.
 *
 * Ports that nobody claimed read as all ones and ignore writes, as a floating ISA bus does. An
 * access that is wider than its device takes, or that leaves its range, is split in halves, low
 * half first, down to bytes (as the ISA bus controller does for 8-bit devices); an access past port
 * 0xffff reads ones there.
 */
export class PortBus implements PortDevice {
  readonly #owner: Uint16Array<ArrayBuffer> = new Uint16Array(portCount);
  readonly #claims: (Required<PortRange> | undefined)[] = [undefined];
  /** The claims in the order in which they were made, which is also their priority. */
  readonly #order: number[] = [];

  /**
   * Puts a device on the bus.
   *
   * @throws DeviceError for a range outside the port space, for one already taken (unless it
   * yields), or when `maximumClaims` ranges are in use.
   */
  claim(range: PortRange): PortClaim {
    const { first, count } = range;
    if (!Number.isInteger(first) || !Number.isInteger(count) || first < 0 || count < 1) {
      throw new DeviceError('bad-configuration', `port range ${describe(first, count)} is none`);
    }
    if (first + count > portCount) {
      throw new DeviceError(
        'bad-configuration',
        `port range ${describe(first, count)} ends past ${describe(portCount - 1, 1)}`,
      );
    }
    const full = { widest: 1, overlap: 'refuse', ...range } as const;
    if (full.overlap === 'refuse') {
      this.#refuseOverlap(full);
    }
    const slot = this.#freeSlot();
    this.#claims[slot] = full;
    this.#order.push(slot);
    this.#fill(first, count);
    let held = true;
    return {
      release: () => {
        if (held) {
          held = false;
          this.#claims[slot] = undefined;
          this.#order.splice(this.#order.indexOf(slot), 1);
          this.#fill(first, count);
        }
      },
    };
  }

  /** Claims all ports that a device lists; throws as `claim` does. */
  attach(device: FixedPortDevice): void {
    for (const window of device.ports) {
      this.claim({ ...window, device });
    }
  }

  /** Reads from whoever claimed `port`; all ones from nobody. */
  readPort(port: number, size: AccessSize): number {
    const claim = this.#claims[this.#owner[port] ?? 0];
    if (claim !== undefined && takesWhole(claim, port, size)) {
      return claim.device.readPort(port, size) >>> 0;
    }
    if (size === 1) {
      return 0xff;
    }
    if (size === 2) {
      return this.readPort(port, 1) | (this.readPort(port + 1, 1) << 8);
    }
    return (this.readPort(port, 2) | (this.readPort(port + 2, 2) << 16)) >>> 0;
  }

  /** Writes to whoever claimed `port`; nobody ignores it. */
  writePort(port: number, size: AccessSize, value: number): void {
    const claim = this.#claims[this.#owner[port] ?? 0];
    if (claim !== undefined && takesWhole(claim, port, size)) {
      claim.device.writePort(
        port,
        size,
        size === 4 ? value >>> 0 : value & (size === 2 ? 0xffff : 0xff),
      );
    } else if (size === 2) {
      this.writePort(port, 1, value & 0xff);
      this.writePort(port + 1, 1, (value >>> 8) & 0xff);
    } else if (size === 4) {
      this.writePort(port, 2, value & 0xffff);
      this.writePort(port + 2, 2, value >>> 16);
    }
  }

  #refuseOverlap(range: PortRange): void {
    for (let port = range.first; port < range.first + range.count; port += 1) {
      const other = this.#claims[this.#owner[port] ?? 0];
      if (other !== undefined) {
        throw new DeviceError(
          'address-conflict',
          `ports ${describe(range.first, range.count)} overlap ` +
            describe(other.first, other.count),
        );
      }
    }
  }

  #freeSlot(): number {
    for (let slot = 1; slot <= maximumClaims; slot += 1) {
      if (this.#claims[slot] === undefined) {
        return slot;
      }
    }
    throw new DeviceError('bad-configuration', `more than ${String(maximumClaims)} port ranges`);
  }

  /** Works out the owners of a range anew, the earliest claim last so that it stays on top. */
  #fill(first: number, count: number): void {
    const end = first + count;
    this.#owner.fill(0, first, end);
    for (const slot of this.#order.toReversed()) {
      const claim = this.#claims[slot];
      if (claim !== undefined && claim.first < end && claim.first + claim.count > first) {
        const from = Math.max(first, claim.first);
        this.#owner.fill(slot, from, Math.min(end, claim.first + claim.count));
      }
    }
  }
}

function takesWhole(claim: Required<PortRange>, port: number, size: AccessSize): boolean {
  return size <= claim.widest && port + size <= claim.first + claim.count;
}

function describe(first: number, count: number): string {
  return `0x${first.toString(16)}..0x${(first + count - 1).toString(16)}`;
}
