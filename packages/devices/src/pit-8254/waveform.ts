/**
 * What a loaded counter shows and drives, as functions of the ticks since it was loaded.
 *
 * Nothing counts: the counting element, OUT and the next change of OUT follow from `elapsed` alone
 * (Intel 8254 data sheet, mode definitions and figures 15 to 20). `elapsed` is negative between the
 * write of a count and the clock pulse that loads it.
 */

/** The number of states of a counting element: it wraps from 0 to one less. */
export function modulus(bcd: boolean): number {
  return bcd ? 10_000 : 0x1_0000;
}

/** Whether the mode starts over by itself: rate generator and square wave. */
export function isPeriodic(mode: number): boolean {
  return mode === 2 || mode === 3;
}

/** Whether a rising gate loads the counter: the hardware-triggered modes. */
export function isTriggered(mode: number): boolean {
  return mode === 1 || mode === 5;
}

/** Returns for how many ticks of each period of `count` the square wave is high. */
export function highTicks(count: number): number {
  return Math.ceil(count / 2);
}

/** Returns the value of the counting element, in binary. */
export function countAt(mode: number, count: number, elapsed: number, bcd: boolean): number {
  if (mode === 2) {
    return (count - (elapsed % count)) % modulus(bcd);
  }
  if (mode === 3) {
    const phase = elapsed % count;
    const high = highTicks(count);
    const halfPhase = phase < high ? phase : phase - high;
    // Odd counts are loaded less one, and the counter goes down by two.
    return ((count & ~1) - 2 * halfPhase) % modulus(bcd);
  }
  const size = modulus(bcd);
  return (((count - elapsed) % size) + size) % size;
}

/** Returns the level of OUT; before a triggered counter's load it is still high. */
export function outAt(mode: number, count: number, elapsed: number): boolean {
  switch (mode) {
    case 0:
      return elapsed >= count;
    case 1:
      return elapsed < 0 || elapsed >= count;
    case 2:
      return elapsed < 0 || elapsed % count !== count - 1;
    case 3:
      return elapsed < 0 || elapsed % count < highTicks(count);
    default:
      return elapsed !== count;
  }
}

/** Returns how many rising edges OUT has made since the load. */
export function risesUntil(mode: number, count: number, elapsed: number): number {
  if (elapsed < 0) {
    return 0;
  }
  if (isPeriodic(mode)) {
    return count === 1 ? 0 : Math.floor(elapsed / count);
  }
  return elapsed >= (mode < 2 ? count : count + 1) ? 1 : 0;
}

/** Returns the `elapsed` of the next change of OUT, or `Infinity`; a count of 1 has no period. */
export function nextChange(mode: number, count: number, elapsed: number): number {
  if (isPeriodic(mode)) {
    if (count === 1) {
      return Infinity;
    }
    const start = elapsed < 0 ? 0 : elapsed - (elapsed % count);
    const fall = start + (mode === 2 ? count - 1 : highTicks(count));
    return elapsed < fall ? fall : start + count;
  }
  if (mode === 1 && elapsed < 0) {
    return 0;
  }
  if (elapsed < count) {
    return count;
  }
  return mode >= 4 && elapsed === count ? count + 1 : Infinity;
}
