/** One channel: the task file of two drives at its ports, their interrupt, and the bus master. */
import type {
  AccessSize,
  Clock,
  DmaMemory,
  FixedPortDevice,
  IrqLine,
  PortWindow,
  Timers,
} from '../interfaces.ts';
import { BusMaster } from './bus-master.ts';
import type { Drive, DriveBus } from './drive.ts';
import * as reg from './registers.ts';
import type { ChannelState, TaskState } from './state.ts';

/** What a channel is connected to. */
export interface ChannelOptions {
  readonly base: number;
  readonly control: number;
  readonly irq: IrqLine;
  readonly memory: DmaMemory;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Makes the drive in one of the two places, if there is one. */
  readonly makeDrive: (bus: DriveBus, place: number) => Drive | undefined;
  /** Whether the controller decodes the channel's ports. */
  readonly decodes: () => boolean;
}

/** A channel and its drives. */
export class IdeChannel implements FixedPortDevice, DriveBus {
  readonly ports: readonly PortWindow[];
  readonly clock: Clock;
  readonly timers: Timers;
  /** The bus master. */
  readonly master: BusMaster;
  readonly #options: ChannelOptions;
  readonly #all: readonly (Drive | undefined)[];
  /** Those of them that were not unplugged. */
  #drives: readonly (Drive | undefined)[];
  #second = false;
  #control = 0;
  #interrupt = false;

  /** Makes a channel. */
  constructor(options: ChannelOptions) {
    const { base, control, clock, timers, memory, makeDrive } = options;
    this.#options = options;
    this.clock = clock;
    this.timers = timers;
    this.ports = [
      { first: base, count: 8, widest: 4 },
      { first: control, count: 1 },
    ];
    this.master = new BusMaster(memory, () => {
      this.#selected?.masterStarted();
    });
    this.#all = [makeDrive(this, 0), makeDrive(this, 1)];
    this.#drives = this.#all;
  }

  readPort(port: number, size: AccessSize): number {
    const { base, control } = this.#options;
    if (!this.#options.decodes()) return ones(size);
    if (port === control) return this.#status();
    const register = port - base;
    if (register === reg.taskRegister.data) return this.#selected?.readData(size) ?? ones(size);
    let value = 0;
    for (let index = 0; index < size; index += 1) {
      value |= this.#read(register + index) << (8 * index);
    }
    return value >>> 0;
  }

  writePort(port: number, size: AccessSize, value: number): void {
    const { base, control } = this.#options;
    if (!this.#options.decodes()) return;
    if (port === control) {
      this.#writeControl(value);
      return;
    }
    const register = port - base;
    if (register === reg.taskRegister.data) {
      this.#selected?.writeData(size, value);
      return;
    }
    for (let index = 0; index < size; index += 1) {
      this.#write(register + index, (value >>> (8 * index)) & 0xff);
    }
  }

  interrupt(): void {
    this.#interrupt = true;
    if ((this.#control & reg.ideControl.interruptOff) === 0) this.master.interrupted();
    this.#drive();
  }

  masterWaits(toMemory: boolean): boolean {
    return this.master.active && this.master.toMemory === toMemory;
  }

  toGuest(source: Uint8Array): number {
    return this.master.toGuest(source);
  }

  fromGuest(target: Uint8Array): number {
    return this.master.fromGuest(target);
  }

  masterFinished(): void {
    this.master.finished();
  }

  /** Takes a drive away until the machine's reset. */
  unplug(place: number): void {
    this.#drives = this.#drives.map((drive, index) => (index === place ? undefined : drive));
  }

  /** The machine's reset. */
  reset(): void {
    this.#drives = this.#all;
    for (const drive of this.#drives) drive?.reset();
    this.master.reset();
    this.#second = false;
    this.#control = 0;
    this.#interrupt = false;
    this.#drive();
  }

  /** Returns a copy of the registers; `absent` stands for a place without a drive. */
  save(absent: () => ChannelState['drives'][number]): ChannelState {
    return {
      second: this.#second,
      control: this.#control,
      interrupt: this.#interrupt,
      master: this.master.save(),
      drives: this.#all.map((drive) => drive?.save() ?? absent()),
    };
  }

  /** Takes over saved registers. */
  restore(state: ChannelState): void {
    this.#second = state.second;
    this.#control = state.control;
    this.#interrupt = state.interrupt;
    this.master.restore(state.master);
    this.#drives = this.#all;
    for (const [place, drive] of this.#drives.entries()) {
      const saved = state.drives[place];
      if (saved !== undefined) drive?.restore(saved);
    }
    this.#drive();
  }

  get #selected(): Drive | undefined {
    return this.#drives[this.#second ? 1 : 0];
  }

  #status(): number {
    if (this.#drives.every((drive) => drive === undefined)) return 0xff;
    // A drive that is alone answers for the absent one with zeros (ATA/ATAPI-6, 9.16).
    if ((this.#control & reg.ideControl.reset) !== 0) return reg.ideStatus.busy;
    return this.#selected?.state.task.status ?? 0;
  }

  #read(register: number): number {
    if (register === reg.taskRegister.status) {
      this.#interrupt = false;
      this.#drive();
      return this.#status();
    }
    const drive = this.#selected ?? this.#drives.find((other) => other !== undefined);
    if (drive === undefined) return 0xff;
    const { task } = drive.state;
    const isBefore = (this.#control & reg.ideControl.highOrder) !== 0;
    switch (register) {
      case reg.taskRegister.error:
        return this.#selected === undefined ? 0 : task.error;
      case reg.taskRegister.count:
        return isBefore ? task.countBefore : task.count;
      case reg.taskRegister.lbaLow:
        return isBefore ? task.lbaLowBefore : task.lbaLow;
      case reg.taskRegister.lbaMid:
        return isBefore ? task.lbaMidBefore : task.lbaMid;
      case reg.taskRegister.lbaHigh:
        return isBefore ? task.lbaHighBefore : task.lbaHigh;
      case reg.taskRegister.device:
        return (
          (task.device & ~reg.ideDevice.second) |
          reg.ideDevice.always |
          (this.#second ? reg.ideDevice.second : 0)
        );
      default:
        return 0xff; // The data register's second byte.
    }
  }

  #write(register: number, value: number): void {
    this.#control &= ~reg.ideControl.highOrder;
    if (register === reg.taskRegister.status) {
      this.#command(value);
      return;
    }
    if (register === reg.taskRegister.device) {
      this.#second = (value & reg.ideDevice.second) !== 0;
    }
    for (const drive of this.#drives) {
      if (drive !== undefined) writeTask(drive.state.task, register, value);
    }
  }

  #command(code: number): void {
    this.#interrupt = false;
    this.#drive();
    if (code === reg.ataCommand.diagnose) {
      // Both drives; the first one answers (ATA/ATAPI-6, 8.11).
      for (const drive of this.#drives) drive?.softReset();
      this.#second = false;
      this.#drives[0]?.complete();
      if (this.#drives[0] !== undefined) this.#drives[0].state.task.error = 1;
      return;
    }
    this.#selected?.command(code);
  }

  #writeControl(value: number): void {
    const before = this.#control;
    this.#control = value & (reg.ideControl.reset | reg.ideControl.interruptOff | 0x80);
    const ends = (before & reg.ideControl.reset) !== 0 && (value & reg.ideControl.reset) === 0;
    if (ends) {
      for (const drive of this.#drives) drive?.softReset();
      this.#second = false;
      this.#interrupt = false;
    }
    this.#drive();
  }

  #drive(): void {
    const isOff = (this.#control & reg.ideControl.interruptOff) !== 0;
    this.#options.irq.set(this.#interrupt && !isOff);
  }
}

function writeTask(task: TaskState, register: number, value: number): void {
  switch (register) {
    case reg.taskRegister.error:
      task.featuresBefore = task.features;
      task.features = value;
      break;
    case reg.taskRegister.count:
      task.countBefore = task.count;
      task.count = value;
      break;
    case reg.taskRegister.lbaLow:
      task.lbaLowBefore = task.lbaLow;
      task.lbaLow = value;
      break;
    case reg.taskRegister.lbaMid:
      task.lbaMidBefore = task.lbaMid;
      task.lbaMid = value;
      break;
    case reg.taskRegister.lbaHigh:
      task.lbaHighBefore = task.lbaHigh;
      task.lbaHigh = value;
      break;
    case reg.taskRegister.device:
      task.device = value;
      break;
    default:
      break;
  }
}

function ones(size: AccessSize): number {
  return size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff;
}
