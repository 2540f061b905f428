import type { Timer, Timers } from '@ringfence/devices';

/** The most timers that devices can create: many times what a full machine has. */
export const maximumTimers = 1024;

/**
 * The most timers that fire in one `fire`, so that one that arms itself for now cannot stop the
 * guest.
 */
export const maximumFirings = 1000;

/**
 * The machine's timers, ordered by deadline, and by creation where deadlines are the same.
 *
 * There are a few dozen and few are armed, so a sorted array beats a heap: the next deadline is its
 * last element.
 */
export class TimerQueue implements Timers {
  readonly #armed: QueuedTimer[] = [];
  readonly #earlier: () => void;
  #created = 0;

  /** Makes an empty queue; `earlier` is called when the next deadline moves to an earlier time. */
  constructor(earlier: () => void) {
    this.#earlier = earlier;
  }

  /** Creates a timer, not armed. Throws past `maximumTimers`, which is a mistake in a device. */
  create(callback: () => void): Timer {
    this.#created += 1;
    if (this.#created > maximumTimers) {
      throw new Error(`more than ${String(maximumTimers)} timers were created`);
    }
    return new QueuedTimer(this, callback, this.#created);
  }

  /** Returns the earliest deadline of all armed timers, or `Infinity`. */
  nextDeadlineNs(): number {
    return this.#armed[this.#armed.length - 1]?.deadlineNs ?? Infinity;
  }

  /** Fires what is due at `nowNs`, earliest first, and returns how many fired. */
  fire(nowNs: number): number {
    let firings = 0;
    while (firings < maximumFirings && this.nextDeadlineNs() <= nowNs) {
      const timer = this.#armed.pop();
      if (timer !== undefined) {
        timer.armed = false;
        timer.callback();
      }
      firings += 1;
    }
    return firings;
  }

  /** Puts a timer into its place; for timers only. */
  insert(timer: QueuedTimer): void {
    const armed = this.#armed;
    const nextNs = this.nextDeadlineNs();
    // The array descends: whatever fires before `timer` stands behind it.
    let index = armed.length;
    for (; index > 0; index -= 1) {
      const other = armed[index - 1];
      if (other === undefined || before(timer, other)) {
        break;
      }
    }
    armed.splice(index, 0, timer);
    if (timer.deadlineNs < nextNs) {
      this.#earlier();
    }
  }

  /** Takes a timer out; for timers only. */
  remove(timer: QueuedTimer): void {
    this.#armed.splice(this.#armed.indexOf(timer), 1);
  }
}

class QueuedTimer implements Timer {
  readonly callback: () => void;
  readonly order: number;
  deadlineNs: number = Infinity;
  armed: boolean = false;
  readonly #queue: TimerQueue;

  constructor(queue: TimerQueue, callback: () => void, order: number) {
    this.#queue = queue;
    this.callback = callback;
    this.order = order;
  }

  arm(deadlineNs: number): void {
    this.cancel();
    this.deadlineNs = Number.isNaN(deadlineNs) ? Infinity : deadlineNs;
    this.armed = true;
    this.#queue.insert(this);
  }

  cancel(): void {
    if (this.armed) {
      this.armed = false;
      this.#queue.remove(this);
    }
  }
}

/** Whether `timer` fires before `other`: earlier ones stand nearer the end of the array. */
function before(timer: QueuedTimer, other: QueuedTimer): boolean {
  return timer.deadlineNs === other.deadlineNs
    ? timer.order < other.order
    : timer.deadlineNs < other.deadlineNs;
}
