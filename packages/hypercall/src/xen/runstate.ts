/**
 * What the virtual CPU spends its time with, as a guest is told (public/vcpu.h,
 * `struct vcpu_runstate_info`).
 *
 *     0   state
 *     4   time at which it was entered (64)
 *     12  nanoseconds in each of the four states (64 each), without those since then
 */

/** States (RUNSTATE_*); the CPU of a guest that runs is never runnable and kept from it here. */
export const RunState = { running: 0, runnable: 1, blocked: 2, offline: 3 } as const;

const states = 4;
/** Bytes of the structure in a 32-bit guest. */
export const runstateBytes = 44;

/** The states of one virtual CPU. */
export class Runstate {
  #state: number = RunState.running;
  #sinceNs = 0;
  #timesNs: number[] = [0, 0, 0, 0];

  /** Starts to run at a time of the machine's clock. */
  reset(nowNs: number): void {
    this.#state = RunState.running;
    this.#sinceNs = Math.floor(nowNs);
    this.#timesNs = [0, 0, 0, 0];
  }

  /** Changes to another state; false where it is that already. */
  change(state: number, nowNs: number): boolean {
    if (state === this.#state) {
      return false;
    }
    this.#timesNs = this.#upTo(nowNs);
    this.#state = state;
    this.#sinceNs = Math.floor(nowNs);
    return true;
  }

  /** The structure; with a time it includes what has passed since the state was entered. */
  bytes(nowNs: number = this.#sinceNs): Uint8Array {
    const view = new DataView(new ArrayBuffer(runstateBytes));
    view.setUint32(0, this.#state, true);
    view.setBigUint64(4, BigInt(this.#sinceNs), true);
    for (const [index, timeNs] of this.#upTo(nowNs).entries()) {
      view.setBigUint64(12 + index * 8, BigInt(timeNs), true);
    }
    return new Uint8Array(view.buffer);
  }

  /** The state as numbers. */
  save(): readonly number[] {
    return [this.#state, this.#sinceNs, ...this.#timesNs];
  }

  /** Takes over what `save` returned. */
  restore([state = 0, sinceNs = 0, ...timesNs]: readonly number[]): void {
    this.#state = state;
    this.#sinceNs = sinceNs;
    this.#timesNs = Array.from({ length: states }, (_nothing, index) => timesNs[index] ?? 0);
  }

  #upTo(nowNs: number): number[] {
    const passedNs = Math.max(0, Math.floor(nowNs) - this.#sinceNs);
    return this.#timesNs.map((timeNs, index) => timeNs + (index === this.#state ? passedNs : 0));
  }
}
