import { finite, flag, integer, list, nullable, record, type Shape } from '../state-shape.ts';

/** The state of one counter; ticks are those of `pitHertz` since the clock's zero. */
export interface PitCounterState {
  /** The counting mode, 0 to 5. */
  mode: number;
  /** Which bytes the port carries: 1 low, 2 high, 3 low then high. */
  access: number;
  /** Whether the counter counts in decimal. */
  bcd: boolean;
  /** The level of the GATE pin. */
  gate: boolean;
  /** The count last written, 1 to 65536. */
  reload: number;
  /** Whether a count is loaded, or about to be at `loadTick`; else the counter waits for one. */
  loaded: boolean;
  /** The tick at which the counting element was loaded. */
  loadTick: number;
  /** The count with which it was loaded. */
  initial: number;
  /**
   * Ticks counted since the load when the gate stopped a counter of mode 0 or 4; `null` while it
   * runs.
   */
  pausedElapsed: number | null;
  /** The tick at which `reload` is loaded in mode 1, 2 or 3; `null` when nothing waits. */
  reloadTick: number | null;
  /** What the counting element shows while no count is loaded. */
  frozen: number;
  /** The first byte of a two-byte write. */
  writtenLow: number | null;
  /** Whether the next read of two gives the high byte. */
  readsHigh: boolean;
  /** The latched count. */
  countLatch: number | null;
  /** The latched status. */
  statusLatch: number | null;
}

/** The registers of the timer. */
export interface PitState {
  /** The three counters. */
  counters: PitCounterState[];
  /** The written bits of port 0x61. */
  systemControl: number;
  /** Errors that port 0x61 shows. */
  errors: number;
  /** The tick up to which OUT 0's edges have been passed on. */
  syncTick: number;
  /** Until this tick an edge that was passed on late keeps the request high. */
  heldUntilTick: number;
  /** Edges of OUT 0 that came while the host was late and are still to be passed on. */
  owed: number;
  /** The tick from which on the next of them is. */
  owedTick: number;
}

const word = integer(0, 0xffff);
const count = integer(1, 0x1_0000);

const pitCounterShape: Shape<PitCounterState> = record<PitCounterState>({
  mode: integer(0, 5),
  access: integer(1, 3),
  bcd: flag(),
  gate: flag(),
  reload: count,
  loaded: flag(),
  loadTick: finite(),
  initial: count,
  pausedElapsed: nullable(finite()),
  reloadTick: nullable(finite()),
  frozen: word,
  writtenLow: nullable(integer(0, 0xff)),
  readsHigh: flag(),
  countLatch: nullable(word),
  statusLatch: nullable(integer(0, 0xff)),
});

/** The shape of the timer's saved registers. */
export const pitShape: Shape<PitState> = record<PitState>({
  counters: list(pitCounterShape, 3),
  systemControl: integer(0, 0x0f),
  errors: integer(0, 0xc0),
  syncTick: finite(),
  heldUntilTick: finite(),
  owed: integer(0, 0xffff),
  owedTick: finite(),
});

/** Returns a counter that nobody has programmed yet. */
export function powerOnPitCounter(gate: boolean): PitCounterState {
  return {
    mode: 3,
    access: 3,
    bcd: false,
    gate,
    reload: 0x1_0000,
    loaded: false,
    loadTick: 0,
    initial: 0x1_0000,
    pausedElapsed: null,
    reloadTick: null,
    frozen: 0,
    writtenLow: null,
    readsHigh: false,
    countLatch: null,
    statusLatch: null,
  };
}
