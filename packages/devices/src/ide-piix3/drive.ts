/**
 * What disk and CD drives have in common: the task file, data requests at the data port, the wait
 * for the bus master, and commands that take their time.
 *
 * A drive's state is plain data, work under way included: a stage, a kind of work, and what is left
 * of it. A command that waits for the storage counts as not begun when the drive is saved.
 */
import type { Clock, Timer, Timers } from '../interfaces.ts';
import * as reg from './registers.ts';
import type { DriveStage, DriveState, DriveWork, TaskState } from './state.ts';

/** What a drive is connected to: its channel. */
export interface DriveBus {
  readonly clock: Clock;
  readonly timers: Timers;
  /** A drive raises its interrupt. */
  interrupt(): void;
  /** Whether the bus master waits for data in a direction. */
  masterWaits(toMemory: boolean): boolean;
  /** Moves bytes to memory; returns how many found room. */
  toGuest(source: Uint8Array): number;
  /** Fills a buffer from memory; returns how many bytes there were. */
  fromGuest(target: Uint8Array): number;
  /** The drive has no more data for the bus master. */
  masterFinished(): void;
}

/** What makes a drive a disk or a CD drive. */
export interface DriveKind {
  /** LBA mid and high after reset, by which hosts tell drives apart. */
  readonly signature: readonly [mid: number, high: number];
  /** Begins a command. */
  command(code: number): void;
  /** Goes on with work whose time has come. */
  work(): void;
  /** The host has read all of a data request. */
  drained(): void;
  /** The host has written all of a data request, which `written` holds. */
  filled(): void;
  /** Forgets what is under way. */
  forget(): void;
}

/** Returns the registers of a drive after power-on. */
export function resetDrive([mid, high]: readonly [number, number]): DriveState {
  return {
    task: resetTask(mid, high),
    stage: 'idle',
    work: 'none',
    dma: false,
    through: false,
    lba: 0,
    left: 0,
    block: 1,
    data: [],
    wanted: 0,
    reply: [],
    limit: 0xfffe,
    multiple: reg.mostMultiple,
    heads: 16,
    sectorsPerTrack: 63,
    writeCache: true,
    mode: 0,
    senseKey: 0,
    senseCode: 0,
    open: false,
    locked: false,
    changed: false,
  };
}

function resetTask(mid: number, high: number): TaskState {
  const isPacket = mid !== 0;
  return {
    features: 0,
    featuresBefore: 0,
    count: 1,
    countBefore: 0,
    lbaLow: 1,
    lbaLowBefore: 0,
    lbaMid: mid,
    lbaMidBefore: 0,
    lbaHigh: high,
    lbaHighBefore: 0,
    device: 0,
    // A packet drive shows no readiness before its first command (ATA/ATAPI-6, 9.12).
    status: isPacket ? 0 : reg.ideStatus.ready | reg.ideStatus.seekDone,
    error: 1,
  };
}

/** A drive on a channel. */
export class Drive {
  /** The registers. */
  state: DriveState;
  readonly bus: DriveBus;
  readonly #kind: DriveKind;
  readonly #timer: Timer;
  readonly #buffer = new Uint8Array(reg.mostPioBytes);
  /** The part of the buffer that was not read, or written, yet. */
  #at = 0;
  #end = 0;

  /** Makes a drive of the kind that `makeKind` makes for it. */
  constructor(bus: DriveBus, makeKind: (drive: Drive) => DriveKind) {
    this.bus = bus;
    this.#kind = makeKind(this);
    this.state = resetDrive(this.#kind.signature);
    this.#timer = bus.timers.create(() => {
      if (this.state.stage === 'busy') this.#kind.work();
    });
  }

  /** Takes a command, unless one is under way that only a reset ends. */
  command(code: number): void {
    const isPacketReset = code === reg.ataCommand.deviceReset && this.#kind.signature[0] !== 0;
    if (this.state.stage === 'busy' && !isPacketReset) return;
    this.#forget();
    this.state.task.error = 0;
    this.#kind.command(code);
  }

  /** Lets work go on after the time that a command takes; the drive is busy up to then. */
  later(work: DriveWork): void {
    this.state.work = work;
    this.#setStage('busy', reg.ideStatus.busy);
    this.#timer.arm(this.bus.clock.now() + reg.commandNs);
  }

  /** Gives the host data to read, at most `mostPioBytes`. */
  offer(data: Uint8Array): void {
    this.#buffer.set(data);
    this.#at = 0;
    this.#end = data.length;
    this.#setStage('in', reg.ideStatus.ready | reg.ideStatus.seekDone | reg.ideStatus.request);
    this.bus.interrupt();
  }

  /** Asks the host for data, at most `mostPioBytes`. */
  ask(bytes: number, isFirst: boolean): void {
    this.#at = 0;
    this.#end = bytes;
    this.#setStage('out', reg.ideStatus.ready | reg.ideStatus.seekDone | reg.ideStatus.request);
    if (!isFirst) this.bus.interrupt();
  }

  /** Waits for the bus master. */
  awaitMaster(work: DriveWork): void {
    this.state.work = work;
    this.#setStage('dma', reg.ideStatus.ready | reg.ideStatus.seekDone | reg.ideStatus.request);
    this.masterStarted();
  }

  /** The bus master was started. */
  masterStarted(): void {
    const { stage, work } = this.state;
    if (stage === 'dma' && this.bus.masterWaits(work !== 'write')) this.later(work);
  }

  /** Ends a command, with error bits if it failed. */
  complete(error: number = 0): void {
    this.state.work = 'none';
    this.state.task.error = error;
    const failed = error === 0 ? 0 : reg.ideStatus.error;
    this.#setStage('idle', reg.ideStatus.ready | reg.ideStatus.seekDone | failed);
    this.bus.interrupt();
  }

  /** Ends a command without an interrupt. */
  rest(status: number): void {
    this.state.work = 'none';
    this.#setStage('idle', status);
  }

  /** The data that the host wrote last. */
  get written(): Uint8Array {
    return this.#buffer.subarray(0, this.#end);
  }

  /** Reads from the data port. */
  readData(size: number): number {
    let value = 0;
    for (let index = 0; index < size; index += 1) {
      if (this.state.stage !== 'in') return value >>> 0;
      value |= (this.#buffer[this.#at] ?? 0) << (8 * index);
      this.#at += 1;
      if (this.#at === this.#end) {
        this.#kind.drained();
        break;
      }
    }
    return value >>> 0;
  }

  /** Writes to the data port. */
  writeData(size: number, value: number): void {
    for (let index = 0; index < size && this.state.stage === 'out'; index += 1) {
      this.#buffer[this.#at] = value >>> (8 * index);
      this.#at += 1;
      if (this.#at === this.#end) {
        this.#kind.filled();
        break;
      }
    }
  }

  /** Software reset, or DEVICE RESET: settings stay, work does not (ATA/ATAPI-6, 9.12). */
  softReset(): void {
    this.#forget();
    const [mid, high] = this.#kind.signature;
    this.state.task = resetTask(mid, high);
    this.state.stage = 'idle';
    this.state.work = 'none';
  }

  /** The machine's reset. */
  reset(): void {
    this.#forget();
    this.state = resetDrive(this.#kind.signature);
  }

  /** Returns a copy of the registers. */
  save(): DriveState {
    const { stage, work, dma } = this.state;
    const isWritten = stage === 'busy' && work === 'write' && !dma;
    const from = stage === 'in' ? this.#at : 0;
    const to = stage === 'in' || isWritten ? this.#end : stage === 'out' ? this.#at : 0;
    const wanted = stage === 'out' ? this.#end : 0;
    const data = [...this.#buffer.subarray(from, to)];
    return { ...this.state, task: { ...this.state.task }, data, wanted };
  }

  /** Takes over saved registers and begins again what waited for the storage. */
  restore(state: DriveState): void {
    this.#forget();
    this.state = { ...state, task: { ...state.task }, data: [], wanted: 0 };
    this.#buffer.set(state.data);
    this.#at = state.stage === 'out' ? state.data.length : 0;
    this.#end = state.stage === 'out' ? state.wanted : state.data.length;
    if (this.#at >= this.#end && (state.stage === 'in' || state.stage === 'out')) {
      this.rest(reg.ideStatus.ready);
    }
    if (state.stage === 'busy') this.later(state.work);
  }

  #forget(): void {
    this.#timer.cancel();
    this.#kind.forget();
  }

  #setStage(stage: DriveStage, status: number): void {
    this.state.stage = stage;
    this.state.task.status = status;
  }
}
