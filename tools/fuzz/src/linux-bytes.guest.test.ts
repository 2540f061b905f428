/**
 * An unprivileged process executes random bytes in Linux, which still answers.
 * `RINGFENCE_RANDOM_BYTES=1800` asks for half an hour in each tier.
 */
import { expect, it } from 'vitest';
import { runLinuxBytes } from './linux-bytes.ts';

const seconds = Number(process.env['RINGFENCE_RANDOM_BYTES'] ?? 10);
/** Boots included. */
const limitMs = 1000 * (2 * seconds + 500);

it.each(['interpreter', 'translator'] as const)(
  'Linux answers while and after a process executes random bytes: %s',
  async (accel) => {
    const result = await runLinuxBytes({ accel, seconds, seed: 1 });
    expect(result.end, result.output.slice(-2000)).toBe('poweroff');
    expect(result.trouble).toEqual([]);
    // A process that gets through all its rounds was ended by none of them.
    expect(result.finished).toBeGreaterThan(0);
  },
  limitMs,
);
