/** What a snapshot says beside memory: its shape, so that a foreign one is refused by field. */
import { savedWords } from '@ringfence/cpu';
import type { SavedCpu } from '@ringfence/cpu';
import { DeviceError, finite, flag, integer, list, oneOf, record } from '@ringfence/devices';
import type { Shape } from '@ringfence/devices';

import type { MachineRequest } from '../requests.ts';
import { badSnapshot } from './container.ts';

/** The state of one chip under its name on the board. */
export interface SavedChip {
  readonly name: string;
  /** What the chip's `save` returned; its `restore` checks it. */
  readonly state: unknown;
}

/** A drive of a machine. */
export interface SavedDrive {
  /** Its interface and number there, such as `ide 0`. */
  readonly place: string;
  /** Whether it is a floppy or a CD, which can be missing. */
  readonly removable: boolean;
  readonly bytes: number;
  /** What its changes were made on; empty where they were written to the image itself. */
  readonly base: string;
  /** What the image itself held where it has no changes; empty where nobody can tell. */
  readonly contents: string;
  readonly offsets: readonly number[];
  readonly pieces: Uint8Array;
}

/** A key that waits to be typed. */
export interface SavedStroke {
  readonly code: string;
  readonly pressed: boolean;
}

/** The state of a machine beside its memory. */
export interface SavedMachine {
  /** Time of day when it was taken, in milliseconds since 1970. */
  readonly takenMs: number;
  /** The options that are plain data; a machine that takes the snapshot is made from them. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly clockNs: number;
  readonly cpu: SavedCpu;
  /** What the next bits of RDRAND depend on. */
  readonly random: number;
  /** What was asked of the machine and not served yet: at most one. */
  readonly requests: readonly MachineRequest[];
  readonly hypercalls: unknown;
  readonly chips: readonly SavedChip[];
  /** Drives with their places; a snapshot of an older version says nothing of them. */
  readonly drives: readonly SavedDrive[];
  /** Input of each serial port that has not reached the guest, as Latin-1. */
  readonly serialInput: readonly string[];
  readonly strokes: readonly SavedStroke[];
}

/** More than any machine has, to bound what a foreign file can ask for. */
const most = 0x10_0000;

const anything: Shape<unknown> = (value) => value;

const text: Shape<string> = (value, path) =>
  typeof value === 'string' && value.length <= 16 * most ? value : refuse(path, 'a string', value);

const options: Shape<Readonly<Record<string, unknown>>> = (value, path) =>
  typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>) // Every object can be indexed.
    : refuse(path, 'an object', value);

const word: Shape<number> = integer(-(2 ** 31), 2 ** 31 - 1);
const count: Shape<number> = integer(0, Number.MAX_SAFE_INTEGER);

const register: Shape<readonly [number, number, number]> = (value, path) => {
  const [number = 0, low = 0, high = 0] = list(integer(-(2 ** 31), 2 ** 32 - 1), 3)(value, path);
  return [number, low, high];
};

const words: Shape<readonly [number, number]> = (value, path) => {
  const [low = 0, high = 0] = list(word, 2)(value, path);
  return [low, high];
};

/** Counts and flags under the names that the cpu package gives them. */
const eventsShape: Shape<SavedCpu['events']> = (value, path) => {
  const fields = Object.entries(options(value, path));
  const isFlat = fields.every(([, field]) => ['number', 'boolean'].includes(typeof field));
  // What is missing reads as 0 or false, which is a state that a CPU can be in.
  return isFlat ? (value as SavedCpu['events']) : refuse(path, 'numbers and flags', value);
};

const cpuShape: Shape<SavedCpu> = record<SavedCpu>({
  words: list(word, savedWords),
  registers: list(register, 0, 1024),
  pageDirectories: list(integer(-2, 0xf_ffff), 4),
  retired: count,
  translated: count,
  tscOffset: words,
  events: eventsShape,
});

const shape: Shape<SavedMachine> = record<SavedMachine>({
  takenMs: finite(),
  options,
  clockNs: finite(),
  cpu: cpuShape,
  random: integer(-(2 ** 31), 2 ** 32 - 1),
  requests: list(requestShape, 0, 1),
  hypercalls: anything,
  drives: list(
    record<SavedDrive>({
      place: text,
      removable: flag(),
      bytes: count,
      base: text,
      contents: text,
      offsets: list(count, 0, most),
      pieces: bytesShape,
    }),
    0,
    64,
  ),
  chips: list(record<SavedChip>({ name: text, state: anything }), 0, 1024),
  serialInput: list(text, 0, 16),
  strokes: list(record<SavedStroke>({ code: text, pressed: flag() }), 0, most),
});

function bytesShape(value: unknown, path: string): Uint8Array {
  return value instanceof Uint8Array ? value : refuse(path, 'bytes', value);
}

/** What can wait to be served: what ends a machine is told of before a snapshot can be taken. */
function requestShape(value: unknown, path: string): MachineRequest {
  return record<MachineRequest & { kind: 'reset' }>({
    kind: oneOf('reset'),
    cause: oneOf('guest', 'triple-fault', 'init', 'host'),
  })(value, path);
}

/**
 * Checks the state of a snapshot, all but what chips and hypercall interfaces check themselves.
 *
 * @throws MachineError with code `bad-snapshot`.
 */
export function checkSavedMachine(value: unknown): SavedMachine {
  const whole = typeof value === 'object' ? withDrives({ ...value }) : value;
  return told(() => shape(whole, 'state'));
}

/** Calls `action`; what it finds wrong with a state becomes a MachineError. */
export function told<Result>(action: () => Result, where: string = 'its state'): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof DeviceError || (error instanceof Error && 'code' in error)) {
      throw badSnapshot(where, 'a state that this version can take', error.message);
    }
    throw error;
  }
}

function refuse(path: string, expected: string, found: unknown): never {
  throw new DeviceError('bad-state', `${path}: expected ${expected}, found a ${typeof found}`);
}

/** Adds what older versions do not say of drives. */
function withDrives(value: { readonly drives?: unknown }): object {
  const { drives = [] } = value;
  const whole: unknown = Array.isArray(drives)
    ? drives.map((drive: unknown) =>
        typeof drive === 'object' && drive !== null ? { contents: '', ...drive } : drive,
      )
    : drives;
  return { ...value, drives: whole };
}
