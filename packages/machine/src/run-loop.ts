/**
 * The loop that gives a virtual CPU its time: slices, timers, waiting, and the host's own events
 * between.
 *
 * Within a slice the CPU runs up to the next timer's deadline (or `maximumBudget` instructions),
 * due timers fire, and so on until the slice's host time is over. A CPU that waits for an interrupt
 * ends the slice; the next one begins at the next deadline or when somebody wakes the loop. With
 * the instruction clock waiting takes no host time: the clock moves to the deadline.
 */
import type { CpuStop } from '@ringfence/cpu';

import type { MachineState } from './api.ts';
import type { HostServices } from './options/machine-options.ts';
import type { MachineRequest, RequestBox } from './requests.ts';
import type { MachineClock } from './time/machine-clock.ts';
import type { TimerQueue } from './time/timer-queue.ts';

/**
 * Host time of a slice of `start`, in milliseconds: short enough for a screen to be drawn between
 * two.
 */
export const sliceMs = 12;

/** The most instructions between two looks at the host's clock: about a millisecond. */
export const maximumBudget = 100_000;

/** How long the loop sleeps at most while nothing is due, so that the host sees that it lives. */
export const heartbeatMs = 1000;

/** How long it sleeps at most while input waits for room in a device. */
export const inputPollMs = 5;

/**
 * The longest wait, in milliseconds, that the loop does not sleep for: hosts sleep for a
 * millisecond or not at all, and a disk's requests take a few microseconds.
 */
const spinMs = 0.05;

const nsPerMs = 1e6;

/** A virtual CPU, as the run loop drives it. */
export interface LoopCpu {
  /** Retired instructions, exact at any moment. */
  readonly instructions: number;
  /** Whether anything can end its wait: an interrupt that would be taken, or what it waits for. */
  readonly canWake: boolean;
  /** Runs at most `budget` instructions. */
  run(budget: number): CpuStop;
}

/** What a run loop works on. */
export interface RunLoopParts {
  readonly host: HostServices;
  readonly clock: MachineClock;
  readonly timers: TimerQueue;
  readonly cpu: LoopCpu;
  readonly requests: RequestBox;
  /** Called at the beginning of each slice, when the CPU was away. */
  readonly beforeSlice: () => void;
  /** Whether input waits for room in a device: the loop then comes back soon. */
  readonly inputWaits: () => boolean;
  /** Called when the CPU has nothing to do; returns whether it may have something now. */
  readonly onIdle?: () => boolean;
  /**
   * Called when the host has nothing to do until something is due: does a little work and returns
   * the milliseconds after which there may be more, Infinity for none.
   */
  readonly onRest?: () => number;
  /** Called at the end of each slice. */
  readonly afterSlice: () => void;
  /** Serves a request; returns whether the machine goes on. */
  readonly serve: (request: MachineRequest) => boolean;
  /** The CPU stopped for a debugger, which pauses the loop. */
  readonly onDebugStop?: () => void;
  /** Called with each new state. */
  readonly onState: (state: MachineState) => void;
}

/** The run loop of one machine. */
export class RunLoop {
  /** Host time spent within slices, in milliseconds. */
  busyMs: number = 0;
  /** Host time at which the first slice began. */
  firstMs: number | undefined;
  readonly #parts: RunLoopParts;
  #state: MachineState = 'paused';
  #started = false;
  #inSlice = false;
  #pauseAsked = false;
  #cancel: (() => void) | undefined;
  /**
   * Host milliseconds until something is due, as the last slice found; 0 when the CPU wants to run.
   */
  #idleMs = 0;
  readonly #afterSlice: (() => void)[] = [];
  #stolenMs = 0;
  #leftMs: number | undefined;

  /** Makes a loop that stands still. */
  constructor(parts: RunLoopParts) {
    this.#parts = parts;
  }

  /** What the machine is doing. */
  get state(): MachineState {
    return this.#state;
  }

  /** Nanoseconds for which the CPU wanted to run between slices and could not. */
  stolenNs(): number {
    return this.#stolenMs * nsPerMs;
  }

  /** Lets slices follow each other, with the host's events between. */
  start(): void {
    if (this.#state === 'ended' || this.#state === 'disposed') {
      return;
    }
    this.#started = true;
    if (this.#state === 'paused') {
      this.#setState('running');
    }
    this.wake();
  }

  /** Stands still after the current slice. */
  pause(): void {
    this.#started = false;
    this.#stopTimer();
    this.#pauseAsked = this.#inSlice;
    if (!this.#inSlice) {
      this.#stand();
    }
  }

  /**
   * Calls `action` between two slices: now, or when the current one is over; guest time stands
   * still meanwhile.
   */
  between<Result>(action: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        const { clock } = this.#parts;
        const isRunning = this.#state === 'running' || this.#state === 'halted';
        clock.setRunning(false);
        try {
          resolve(action());
        } catch (error) {
          reject(error);
        }
        clock.setRunning(isRunning);
        this.#leftMs = undefined;
      };
      if (this.#inSlice) {
        this.#afterSlice.push(run);
      } else {
        run();
      }
    });
  }

  /** Ends the loop for good. */
  end(state: 'ended' | 'disposed'): void {
    this.#started = false;
    this.#stopTimer();
    this.#parts.clock.setRunning(false);
    this.#setState(state);
  }

  /** Lets a waiting loop go on at once: something happened that the guest may notice. */
  wake(): void {
    this.#idleMs = 0;
    if (this.#started && !this.#inSlice) {
      this.#schedule(0);
    }
  }

  /**
   * Tells that the CPU starts anew, or will with the next slice: a halt with interrupts off is
   * over.
   */
  restarted(): void {
    if (this.#state === 'halted') {
      this.#setState('running');
    }
    this.wake();
  }

  /**
   * Runs for about `ms` of host time and returns the state; guest time then goes on until `pause`.
   */
  runSlice(ms: number): MachineState {
    if (this.#inSlice || this.#state === 'ended' || this.#state === 'disposed') {
      return this.#state;
    }
    const { host, clock, beforeSlice, afterSlice } = this.#parts;
    const beganMs = host.monotonicMs();
    this.firstMs ??= beganMs;
    if (this.#leftMs !== undefined) {
      this.#stolenMs += Math.max(0, beganMs - this.#leftMs);
    }
    this.#inSlice = true;
    if (this.#state === 'paused') {
      this.#setState('running');
    }
    clock.setRunning(true);
    beforeSlice();
    const leftMs = this.#loop(beganMs + ms, beganMs);
    afterSlice();
    this.#inSlice = false;
    this.busyMs += Math.max(0, leftMs - beganMs);
    this.#leftMs = this.#idleMs === 0 && this.#state === 'running' ? leftMs : undefined;
    if (this.#pauseAsked) {
      this.#pauseAsked = false;
      this.#stand();
    }
    for (const action of this.#afterSlice.splice(0)) {
      action();
    }
    return this.#state;
  }

  #loop(untilMs: number, beganMs: number): number {
    const { host, clock, cpu } = this.#parts;
    let nowMs = beganMs;
    this.#idleMs = 0;
    let goesOn = true;
    while (goesOn) {
      const before = cpu.instructions;
      goesOn = this.#step();
      const laterMs = host.monotonicMs();
      clock.learn(cpu.instructions - before, (laterMs - nowMs) * nsPerMs);
      nowMs = laterMs;
      goesOn = goesOn && nowMs < untilMs;
    }
    return nowMs;
  }

  /** Fires timers, serves requests and runs the CPU once; returns whether to go on at once. */
  #step(): boolean {
    const { clock, timers, cpu, requests } = this.#parts;
    timers.fire(clock.now());
    if (!this.#serveRequests()) {
      return false;
    }
    const stop = cpu.run(clock.budgetFor(timers.nextDeadlineNs(), maximumBudget));
    if (stop === 'tripleFault') {
      requests.ask({ kind: 'reset', cause: 'triple-fault' });
    }
    if (stop === 'debug') {
      this.#parts.onDebugStop?.();
      return false;
    }
    if (requests.waiting) {
      return this.#serveRequests();
    }
    return stop === 'halt' ? this.#wait() : true;
  }

  #serveRequests(): boolean {
    const { requests, serve } = this.#parts;
    const request = requests.take();
    return request === undefined || serve(request);
  }

  /** The CPU waits; moves the clock or finds out for how long. */
  #wait(): boolean {
    const { clock, timers, cpu, inputWaits } = this.#parts;
    if (!cpu.canWake) {
      this.#setState('halted');
      return false;
    }
    if (this.#parts.onIdle?.() === true) {
      return true;
    }
    const deadlineNs = timers.nextDeadlineNs();
    if (deadlineNs !== Infinity && clock.skipTo(deadlineNs)) {
      return true;
    }
    const waitMs = (deadlineNs - clock.now()) / nsPerMs;
    if (waitMs <= spinMs) {
      return true;
    }
    this.#idleMs = Math.max(0, Math.min(waitMs, inputWaits() ? inputPollMs : heartbeatMs));
    return this.#idleMs === 0;
  }

  #tick(): void {
    this.#cancel = undefined;
    const state = this.runSlice(sliceMs);
    if (this.#started && state === 'running') {
      const restMs = this.#idleMs > 0 ? (this.#parts.onRest?.() ?? Infinity) : Infinity;
      this.#schedule(Math.min(this.#idleMs, restMs));
    }
  }

  #schedule(delayMs: number): void {
    this.#stopTimer();
    this.#cancel = this.#parts.host.setTimer(() => {
      this.#tick();
    }, delayMs);
  }

  #stopTimer(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Guest time stands still; what passes from now on is not stolen. */
  #stand(): void {
    this.#parts.clock.setRunning(false);
    this.#leftMs = undefined;
    if (this.#state === 'running') {
      this.#setState('paused');
    }
  }

  #setState(state: MachineState): void {
    if (this.#state !== state) {
      this.#state = state;
      this.#parts.onState(state);
    }
  }
}
