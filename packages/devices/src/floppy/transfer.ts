/**
 * The execution phase of commands that move data: sectors between a disk and the host, by DMA or
 * byte by byte.
 *
 *     read     load a sector -> feed it to the host -> load the next ...
 *     write    feed a sector from the host -> store it -> feed the next ...
 *     format   feed the identifiers of a track -> store its sectors one by one
 *
 * The host ends a transfer by the terminal count of its DMA channel; without DMA it ends, and
 * fails, behind the last sector of the track (82077AA data sheet, section 5.2).
 */
import type { DmaChannel } from '../dma-8237/index.ts';
import type { Clock, Timer, Timers } from '../interfaces.ts';
import type { FloppyDisk } from './disk.ts';
import { floppySectorBytes, floppySizeCode, st0, st1 } from './registers.ts';
import type { TransferStage, TransferState } from './state.ts';

/** How long a sector takes: some thirty times less than the disk under a real head. */
export const sectorNs = 200_000;

/** What a transfer is connected to. */
export interface TransferOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly dma: DmaChannel;
  /** The disk in a drive. */
  readonly disk: (drive: number) => FloppyDisk | undefined;
  /** What the host can see has changed. */
  readonly changed: () => void;
  /** The transfer is over, with ST0 without its drive, ST1 and ST2. */
  readonly finished: (transfer: TransferState, status: readonly number[]) => void;
}

/** The one transfer of a controller. */
export class FloppyTransfer {
  readonly #options: TransferOptions;
  readonly #timer: Timer;
  #state: TransferState | null = null;
  /** Tells answers of the storage to an earlier transfer from those that are waited for. */
  #turn = 0;

  /** Makes it, with nothing to do. */
  constructor(options: TransferOptions) {
    this.#options = options;
    this.#timer = options.timers.create(() => {
      this.#due();
    });
    options.dma.connect(() => {
      this.#serveDma();
    });
  }

  /** What is going on, if anything is. */
  get state(): TransferState | null {
    return this.#state;
  }

  /** Whether the host is to read or to write a byte now. */
  get wantsByte(): boolean {
    return this.#state?.stage === 'feed' && !this.#state.dma;
  }

  /** Whether data goes to the host. */
  get toHost(): boolean {
    return this.#state?.kind === 'read' || this.#state?.kind === 'readTrack';
  }

  /** Begins a transfer, or goes on with a restored one; `null` gives up. */
  begin(state: TransferState | null): void {
    this.#turn += 1;
    this.#state = state;
    this.#options.dma.request(false);
    if (state === null) {
      this.#timer.cancel();
    } else if (state.stage === 'feed') {
      this.#feed();
    } else {
      this.#timer.arm(state.dueNs);
    }
  }

  /** Gives the host a byte. */
  readByte(): number {
    const state = this.#state;
    if (state === null || !this.wantsByte || !this.toHost) {
      return 0;
    }
    const byte = state.buffer[state.offset] ?? 0;
    this.#moved(state, 1, false);
    return byte;
  }

  /** Takes a byte from the host. */
  writeByte(value: number): void {
    const state = this.#state;
    if (state !== null && this.wantsByte && !this.toHost) {
      state.buffer[state.offset] = value & 0xff;
      this.#moved(state, 1, false);
    }
  }

  #feed(): void {
    if (this.#state?.dma === true) {
      this.#options.dma.request(true);
    } else {
      this.#options.changed();
    }
  }

  #serveDma(): void {
    const state = this.#state;
    if (state === null || state.stage !== 'feed' || !state.dma) {
      return;
    }
    const { dma } = this.#options;
    const part = Uint8Array.from(state.buffer.slice(state.offset, state.length));
    const { moved, ended } = this.toHost ? dma.toMemory(part) : dma.fromMemory(part);
    if (!this.toHost) {
      for (let index = 0; index < moved; index += 1) {
        state.buffer[state.offset + index] = part[index] ?? 0;
      }
    }
    this.#moved(state, moved, ended);
  }

  /** Goes on after some bytes, the last of them if `ended`, have been moved. */
  #moved(state: TransferState, bytes: number, ended: boolean): void {
    state.offset += bytes;
    if (state.offset < state.length && !ended) {
      this.#options.changed();
      return;
    }
    this.#options.dma.request(false);
    state.ended = ended;
    if (this.toHost) {
      this.#sectorDone(state);
    } else {
      // What the terminal count cut off is written as zeros.
      state.buffer.fill(0, state.offset);
      this.#wait(state, 'store');
    }
  }

  #wait(state: TransferState, stage: TransferStage): void {
    state.stage = stage;
    state.dueNs = this.#options.clock.now() + sectorNs;
    this.#timer.arm(state.dueNs);
    this.#options.changed();
  }

  #due(): void {
    const state = this.#state;
    const disk = state === null ? undefined : this.#options.disk(state.drive);
    if (state === null || state.stage === 'feed') {
      return;
    }
    if (state.kind === 'fail' || disk === undefined) {
      const [first = 0, second = 0] = state.error;
      this.#finish(state, st0.abnormal, first === 0 ? st1.noAddressMark : first, second);
    } else if (state.kind === 'readId') {
      this.#finish(state, 0, 0, 0);
    } else if (state.kind === 'format') {
      this.#formatSector(state, disk);
    } else if (!disk.has(state.cylinder, state.head, state.sector)) {
      this.#finish(state, st0.abnormal, st1.noSector, 0);
    } else if (state.stage === 'load') {
      this.#load(state, disk);
    } else {
      this.#store(state, disk);
    }
  }

  #load(state: TransferState, disk: FloppyDisk): void {
    const turn = this.#turn;
    disk.read(state.cylinder, state.head, state.sector, (ok, bytes) => {
      if (turn !== this.#turn) {
        return;
      }
      if (!ok) {
        this.#finish(state, st0.abnormal, st1.badData, 0);
      } else if (state.kind === 'verify') {
        this.#sectorDone(state);
      } else {
        state.buffer = Array.from(bytes);
        state.offset = 0;
        state.length = floppySectorBytes;
        state.stage = 'feed';
        this.#feed();
      }
    });
  }

  #store(state: TransferState, disk: FloppyDisk): void {
    const turn = this.#turn;
    const { cylinder, head, sector, buffer } = state;
    disk.write(cylinder, head, sector, Uint8Array.from(buffer), (ok) => {
      if (turn !== this.#turn) {
        return;
      }
      if (ok) {
        this.#sectorDone(state);
      } else {
        this.#finish(state, st0.abnormal, st1.badData, 0);
      }
    });
  }

  /** Writes the sector of one identifier; those that this disk cannot have are passed over. */
  #formatSector(state: TransferState, disk: FloppyDisk): void {
    const at = state.length - 4 * state.left;
    const [cylinder = 0, head = 0, sector = 0, size = 0] = state.buffer.slice(at, at + 4);
    const isLast = state.left <= 1;
    const turn = this.#turn;
    const next = (ok: boolean): void => {
      if (turn !== this.#turn) {
        return;
      }
      if (!ok) {
        this.#finish(state, st0.abnormal, st1.badData, 0);
      } else if (isLast) {
        this.#finish(state, 0, 0, 0);
      } else {
        state.left -= 1;
        this.#wait(state, 'store');
      }
    };
    const isHere = cylinder === state.cylinder && head === state.head && size === floppySizeCode;
    if (isHere && disk.has(cylinder, head, sector)) {
      const bytes = new Uint8Array(floppySectorBytes).fill(state.fill);
      disk.write(cylinder, head, sector, bytes, next);
    } else {
      next(true);
    }
  }

  /**
   * Goes on to the next sector, or ends.
   *
   * A command for both heads that names a last sector beyond the end of the track is one that the
   * chip would fail. SeaBIOS makes them of every transfer past a track's end, and expects them to
   * go on with the next track.
   */
  #sectorDone(state: TransferState): void {
    const onTrack = this.#options.disk(state.drive)?.geometry.sectors;
    const isWrapping = state.bothHeads && state.sector === onTrack && state.lastSector > onTrack;
    const isLast = isWrapping || state.sector === state.lastSector;
    const isVerified = state.kind === 'verify' && state.left === 1;
    const { cylinder, head } = state;
    advance(state, isLast);
    if (state.ended || isVerified) {
      this.#finish(state, 0, 0, 0, head);
      return;
    }
    const staysOnCylinder = state.cylinder === cylinder && (!isLast || state.bothHeads);
    if (!staysOnCylinder && !isWrapping) {
      const isEnd = state.kind === 'verify' && state.left === 0;
      this.#finish(state, isEnd ? 0 : st0.abnormal, isEnd ? 0 : st1.endOfCylinder, 0, head);
      return;
    }
    state.left = Math.max(0, state.left - 1);
    if (state.kind === 'write') {
      state.stage = 'feed';
      state.offset = 0;
      this.#options.changed();
      this.#feed();
    } else {
      this.#wait(state, 'load');
    }
  }

  #finish(
    state: TransferState,
    ended: number,
    error1: number,
    error2: number,
    head: number = state.head,
  ): void {
    this.#turn += 1;
    this.#state = null;
    this.#timer.cancel();
    this.#options.dma.request(false);
    this.#options.finished(state, [ended | (head << 2), error1, error2]);
  }
}

/** Moves on to the sector that a result names (82077AA data sheet, table 5-5). */
function advance(state: TransferState, isLast: boolean): void {
  if (!isLast) {
    state.sector = (state.sector + 1) & 0xff;
    return;
  }
  state.sector = 1;
  if (state.bothHeads) {
    state.head ^= 1;
  }
  if (!state.bothHeads || state.head === 0) {
    state.cylinder = (state.cylinder + 1) & 0xff;
  }
}
