/**
 * MONITOR and MWAIT (SDM 2B; APM 3): a line of memory, and a wait until it is written.
 *
 * There is one processor, so what writes the line is this processor itself, before MWAIT, or a
 * device. Both show in the content of the line: a write that leaves it as it was goes unnoticed,
 * which software cannot tell from one that came before MONITOR looked.
 */
import type { GuestAccess } from './guest-access.ts';

/** Bytes of a line, which is aligned: what leaf 5 of CPUID says. */
export const monitorLineBytes = 64;

/** The line that one processor watches. */
export class AddressMonitor {
  readonly #access: GuestAccess;
  /** Guest-physical address of the line, -1 for none. */
  #at = -1;
  readonly #seen = new Uint8Array(monitorLineBytes);
  readonly #now = new Uint8Array(monitorLineBytes);

  constructor(access: GuestAccess) {
    this.#access = access;
  }

  /** Watches the line of a guest-physical address. */
  arm(physical: number): void {
    this.#at = physical - (physical % monitorLineBytes);
    this.#access.readPhysical(this.#at, this.#seen);
  }

  disarm(): void {
    this.#at = -1;
  }

  /** Whether a line is watched and has not been written. */
  get waits(): boolean {
    if (this.#at < 0) return false;
    this.#access.readPhysical(this.#at, this.#now);
    return this.#now.every((byte, index) => byte === this.#seen[index]);
  }
}
