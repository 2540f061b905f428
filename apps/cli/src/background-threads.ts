import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** How much nicer the engine's threads are: with 10 they get a tenth of what they would. */
const MORE_NICENESS = 10;
const MOST_NICENESS = 19;

/**
 * Has the JavaScript engine's own threads give way to the thread that runs the machine.
 *
 * While a guest's code is new, V8 optimizes on four threads what the machine translates. On two
 * cores they took 40 percent of its time from the thread that runs the guest, which has better use
 * for it: its code runs meanwhile, only less optimized. Linux alone lists and ranks threads;
 * nothing happens elsewhere.
 */
export function lowerBackgroundThreads(): void {
  if (process.platform !== 'linux') return;
  try {
    const niceness = Math.min(getPriority(process.pid) + MORE_NICENESS, MOST_NICENESS);
    for (const thread of readdirSync('/proc/self/task').map(Number)) {
      if (thread !== process.pid) setPriority(thread, niceness);
    }
  } catch {
    // No /proc, or a sandbox that forbids it: threads stay as they are, and so does the outcome.
  }
}
