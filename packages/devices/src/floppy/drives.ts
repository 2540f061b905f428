/** The drives of a floppy controller: their disks, heads and seeks. */
import type { BlockStorage } from '../block-storage.ts';
import type { Clock, Timer, Timers } from '../interfaces.ts';
import { FloppyDisk } from './disk.ts';
import { st0 } from './registers.ts';
import type { FloppyDriveState } from './state.ts';

/** How long a seek takes, however far: a step of a real drive is three milliseconds. */
export const seekNs = 1_000_000;

/** The innermost track that a head reaches. */
const lastTrack = 85;

/** What drives are connected to. */
export interface DrivesOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** How many drives there are, from the first on. */
  readonly count: number;
  /** A seek has ended. */
  readonly ended: () => void;
}

/** Up to four drives. */
export class FloppyDrives {
  /** The drives' states, replaced by a restore, after which `arm` is due. */
  state: FloppyDriveState[] = [];
  readonly #options: DrivesOptions;
  readonly #timer: Timer;
  readonly #disks: (FloppyDisk | undefined)[] = [];

  /** Makes drives without disks. */
  constructor(options: DrivesOptions) {
    this.#options = options;
    this.#timer = options.timers.create(() => {
      this.#due();
    });
  }

  /** Returns the disk in a drive. */
  disk(drive: number): FloppyDisk | undefined {
    return this.#disks[drive];
  }

  /** Puts a disk into a drive, or takes it out; false for an image of no size that disks have. */
  insert(drive: number, storage: BlockStorage | undefined): boolean {
    const disk = storage === undefined ? undefined : FloppyDisk.of(storage);
    if (drive < 0 || drive >= this.#options.count || (storage !== undefined && !disk)) {
      return false;
    }
    this.#disks[drive] = disk;
    const state = this.state[drive];
    if (state !== undefined) {
      state.changed = true;
    }
    return true;
  }

  /** Whether the disk change line of a drive is active. */
  isChanged(drive: number): boolean {
    const exists = drive < this.#options.count;
    return exists && (this.#disks[drive] === undefined || this.state[drive]?.changed === true);
  }

  /** The drives whose seeks go on, one bit each. */
  get seeking(): number {
    return this.state.reduce(
      (bits, drive, index) => bits | (drive.seekEndsNs >= 0 ? 1 << index : 0),
      0,
    );
  }

  /** Starts a seek. */
  seek(drive: number, target: number): void {
    const state = this.state[drive];
    if (state !== undefined) {
      state.target = target;
      state.status = -1;
      state.seekEndsNs = this.#options.clock.now() + seekNs;
      this.arm();
    }
  }

  /** Moves a head at once, as reading and writing with implied seeks do. */
  move(drive: number, target: number): void {
    const state = this.state[drive];
    if (state === undefined) {
      return;
    }
    const track = Math.min(target, lastTrack);
    if (track !== state.track && this.#disks[drive] !== undefined) {
      state.changed = false;
    }
    state.track = track;
    state.cylinder = target;
  }

  /** Gives up all seeks, and forgets how they ended. */
  reset(): void {
    for (const drive of this.state) {
      drive.seekEndsNs = -1;
      drive.status = -1;
      drive.cylinder = 0;
    }
    this.arm();
  }

  /** Arms the timer for the seek that ends first. */
  arm(): void {
    const ends = this.state.map((drive) => drive.seekEndsNs).filter((ns) => ns >= 0);
    if (ends.length === 0) {
      this.#timer.cancel();
    } else {
      this.#timer.arm(Math.min(...ends));
    }
  }

  #due(): void {
    const nowNs = this.#options.clock.now();
    let any = false;
    for (const [index, drive] of this.state.entries()) {
      if (drive.seekEndsNs >= 0 && drive.seekEndsNs <= nowNs) {
        drive.seekEndsNs = -1;
        // No drive, no track 0: 79 steps outwards do not find it.
        const isThere = index < this.#options.count;
        const missing = isThere || drive.target !== 0 ? 0 : st0.abnormal | st0.noTrack0;
        this.move(index, drive.target);
        drive.status = st0.seekEnd | missing | index;
        any = true;
      }
    }
    this.arm();
    if (any) {
      this.#options.ended();
    }
  }
}
