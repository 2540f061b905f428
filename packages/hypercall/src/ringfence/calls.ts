/**
 * The calls of Ringfence's own interface, by number: names, arguments, and what they do.
 *
 * Addresses are guest-physical unless they are called linear; 64-bit numbers take two arguments,
 * the low half first.
 */
import { pageBytes } from '@ringfence/memory';
import {
  RingfenceCall as Call,
  RingfenceError as Failure,
  RingfenceLimit,
  ringfenceVersion,
} from './constants.ts';
import type { RingfenceAbi } from './ringfence-abi.ts';

/** One call, as the dispatch, traces and counts know it. */
export interface RingfenceCallRow {
  readonly name: string;
  /** Names of the arguments, in order. */
  readonly parameters: string;
  /** Serves the call; returns its result, negative for errors. */
  readonly serve: (abi: RingfenceAbi, args: readonly number[]) => number;
}

const firstVector = 32;
const lastVector = 255;
/** The longest time that a call takes, in nanoseconds: 2^53, about a hundred days. */
const mostNs = Number.MAX_SAFE_INTEGER;

const wide = (low: number, high: number): number => Math.min(high * 2 ** 32 + low, mostNs);

function setInfo(abi: RingfenceAbi, at: number, vector: number): number {
  if (at === 0) {
    abi.info.place(-1, 0);
    return 0;
  }
  if (at % pageBytes !== 0 || vector < firstVector || vector > lastVector) {
    return -Failure.badArgument;
  }
  if (!abi.spaces.isOpen(at, pageBytes)) {
    return -Failure.badAddress;
  }
  abi.info.place(at, vector);
  abi.clockChanged();
  return 0;
}

function donate(abi: RingfenceAbi, at: number, pages: number): number {
  const end = at + pages * pageBytes;
  if (abi.block.waiting.length > 0) {
    // What is under way writes to memory that was open when it began.
    return -Failure.busy;
  }
  const hasInfo = abi.info.at >= at && abi.info.at < end;
  return hasInfo ? -Failure.badAddress : abi.spaces.donate(at, pages);
}

function switchSpace(abi: RingfenceAbi, number: number): number {
  const directory = abi.spaces.use(number);
  if (directory < 0) {
    return directory;
  }
  abi.options.cpu.loadSpace(directory);
  return 0;
}

function consoleWrite(abi: RingfenceAbi, at: number, count: number): number {
  const { memory, console } = abi.options;
  if (count > RingfenceLimit.consoleBytes) {
    return -Failure.tooMany;
  }
  if (!abi.spaces.isOpen(at, count)) {
    return -Failure.badAddress;
  }
  const bytes = new Uint8Array(count);
  memory.read(at, bytes);
  for (const byte of bytes) {
    console.write(byte);
  }
  return count;
}

function consoleRead(abi: RingfenceAbi, at: number, room: number): number {
  if (room > RingfenceLimit.consoleBytes) {
    return -Failure.tooMany;
  }
  if (!abi.spaces.isOpen(at, room)) {
    return -Failure.badAddress;
  }
  const bytes = Uint8Array.from(abi.input.splice(0, room));
  abi.options.memory.write(at, bytes);
  return bytes.length;
}

/** Sectors (64), and whether the disk can only be read. */
function diskInfo(abi: RingfenceAbi, number: number, at: number): number {
  const disk = abi.options.disks[number];
  if (disk === undefined) {
    return -Failure.noDisk;
  }
  if (!abi.spaces.isOpen(at, 12)) {
    return -Failure.badAddress;
  }
  const sectors = Math.floor(disk.bytes / 512);
  const words = [sectors % 2 ** 32, Math.floor(sectors / 2 ** 32), disk.readOnly ? 1 : 0];
  for (const [index, word] of words.entries()) {
    abi.options.memory.write32(at + index * 4, word);
  }
  return 0;
}

function setTimer(abi: RingfenceAbi, deadlineNs: number, periodNs: number): number {
  if (periodNs !== 0 && periodNs < RingfenceLimit.periodNs) {
    return -Failure.badArgument;
  }
  abi.setTimer(deadlineNs, periodNs);
  return 0;
}

function shutdown(abi: RingfenceAbi, reason: number): number {
  if (reason > 1) {
    return -Failure.badArgument;
  }
  abi.options.shutdown(reason === 1);
  return 0;
}

const row = (
  name: string,
  parameters: string,
  serve: RingfenceCallRow['serve'],
): RingfenceCallRow => ({ name, parameters, serve });

const range = ([space = 0, linear = 0]: readonly number[], pages: number) => {
  return { space, linear, pages };
};

/** The calls. `batch` is served by the interface itself, and not within a batch. */
export const ringfenceCalls: Readonly<Record<number, RingfenceCallRow>> = {
  [Call.version]: row('version', '', () => ringfenceVersion),
  [Call.batch]: row('batch', 'list count', () => -Failure.noSuchCall),
  [Call.idle]: row('idle', 'timeout_lo timeout_hi', (abi, [low = 0, high = 0]) =>
    abi.idle(wide(low, high)),
  ),
  [Call.setInfo]: row('set_info', 'page vector', (abi, [at = 0, vector = 0]) =>
    setInfo(abi, at, vector),
  ),
  [Call.donate]: row('donate', 'page pages', (abi, [at = 0, pages = 0]) => donate(abi, at, pages)),
  [Call.createSpace]: row(
    'create_space',
    'from first parts',
    (abi, [from = 0, first = 0, parts = 0]) => abi.spaces.create(from, first, parts),
  ),
  [Call.destroySpace]: row('destroy_space', 'space', (abi, [space = 0]) =>
    abi.spaces.destroy(space),
  ),
  [Call.switchSpace]: row('switch_space', 'space', (abi, [space = 0]) => switchSpace(abi, space)),
  [Call.map]: row('map', 'space linear page pages rights', (abi, args) =>
    abi.spaces.map(range(args, args[3] ?? 0), args[2] ?? 0, args[4] ?? 0),
  ),
  [Call.unmap]: row('unmap', 'space linear pages', (abi, args) =>
    abi.spaces.unmap(range(args, args[2] ?? 0)),
  ),
  [Call.protect]: row('protect', 'space linear pages rights', (abi, args) =>
    abi.spaces.protect(range(args, args[2] ?? 0), args[3] ?? 0),
  ),
  [Call.consoleWrite]: row('console_write', 'bytes count', (abi, [at = 0, count = 0]) =>
    consoleWrite(abi, at, count),
  ),
  [Call.consoleRead]: row('console_read', 'bytes room', (abi, [at = 0, room = 0]) =>
    consoleRead(abi, at, room),
  ),
  [Call.diskInfo]: row('disk_info', 'disk words', (abi, [disk = 0, at = 0]) =>
    diskInfo(abi, disk, at),
  ),
  [Call.block]: row('block', 'list count', (abi, [list = 0, count = 0]) =>
    abi.block.submit(list, count),
  ),
  [Call.setTimer]: row(
    'set_timer',
    'deadline_lo deadline_hi period',
    (abi, [low = 0, high = 0, period = 0]) => setTimer(abi, wide(low, high), period),
  ),
  [Call.shutdown]: row('shutdown', 'restart', (abi, [reason = 0]) => shutdown(abi, reason)),
};

/** Writes a call's arguments for a trace, as `space=0x0 linear=0x400000`. */
export function describeRingfenceCall(found: RingfenceCallRow, args: readonly number[]): string {
  const names = found.parameters === '' ? [] : found.parameters.split(' ');
  return names
    .map((name, index) => `${name}=0x${((args[index] ?? 0) >>> 0).toString(16)}`)
    .join(' ');
}
