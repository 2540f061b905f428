/** A floppy controller with up to four drives: an 82077AA in AT mode (data sheet, order 290166). */
import type { BlockStorage } from '../block-storage.ts';
import type { DmaChannel } from '../dma-8237/index.ts';
import type {
  AccessSize,
  Clock,
  DeviceState,
  FixedPortDevice,
  IrqLine,
  PortWindow,
  Resettable,
  Saveable,
  Timers,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { FloppyDrives } from './drives.ts';
import * as reg from './registers.ts';
import { floppyShape, powerOnFloppy, type FloppyState, type TransferState } from './state.ts';
import { transferOf } from './transfer-commands.ts';
import { FloppyTransfer, sectorNs } from './transfer.ts';

const stateVersion = 1;
const { command, floppyPort, st0 } = reg;

/** What a floppy controller is connected to. */
export interface FloppyControllerOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Interrupt request 6. */
  readonly irq: IrqLine;
  /** DMA channel 2. */
  readonly dma: DmaChannel;
  /** How many drives there are, 1 to 4; 2 by default. */
  readonly drives?: number;
}

/** One floppy controller at its usual ports. */
export class FloppyController implements FixedPortDevice, Saveable, Resettable {
  /** The ports of AT mode. */
  readonly ports: readonly PortWindow[] = [
    { first: floppyPort.dor, count: 4 },
    { first: floppyPort.direction, count: 1 },
  ];
  readonly #clock: Clock;
  readonly #irq: IrqLine;
  readonly #drives: FloppyDrives;
  readonly #transfer: FloppyTransfer;
  #state: Omit<FloppyState, 'drives' | 'transfer'>;

  /** Connects a controller, held in reset; its drives are empty. */
  constructor(options: FloppyControllerOptions) {
    const { clock, timers, dma } = options;
    this.#clock = clock;
    this.#irq = options.irq;
    this.#drives = new FloppyDrives({
      clock,
      timers,
      count: Math.min(4, options.drives ?? 2),
      ended: () => {
        this.#raise();
      },
    });
    this.#transfer = new FloppyTransfer({
      clock,
      timers,
      dma,
      disk: (drive) => this.#drives.disk(drive),
      changed: () => {
        this.#drive();
      },
      finished: (transfer, status) => {
        this.#transferDone(transfer, status);
      },
    });
    const { drives, transfer: _none, ...state } = powerOnFloppy();
    this.#drives.state = drives;
    this.#state = state;
  }

  /** Puts a disk into a drive, or takes it out; false for an image of no size that disks have. */
  insert(drive: number, storage: BlockStorage | undefined): boolean {
    return this.#drives.insert(drive, storage);
  }

  /** Reads a register. */
  readPort(port: number, _size: AccessSize): number {
    switch (port) {
      case floppyPort.dor:
        return this.#state.dor;
      case floppyPort.tdr:
        return this.#state.tape;
      case floppyPort.status:
        return this.#mainStatus();
      case floppyPort.fifo:
        return this.#readFifo();
      default:
        return this.#drives.isChanged(this.#state.dor & reg.dor.drive) ? 0x80 : 0;
    }
  }

  /** Writes a register. */
  writePort(port: number, _size: AccessSize, value: number): void {
    switch (port) {
      case floppyPort.dor:
        this.#writeDor(value & 0xff);
        break;
      case floppyPort.tdr:
        this.#state.tape = value & 0x03;
        break;
      case floppyPort.status:
        this.#state.rate = value & 0x03;
        if ((value & reg.dsrReset) !== 0 && this.#running) {
          this.#stop();
          this.#restart();
        }
        break;
      case floppyPort.fifo:
        this.#writeFifo(value & 0xff);
        break;
      default:
        this.#state.rate = value & 0x03;
        break;
    }
    this.#drive();
  }

  /** Holds the controller in reset, as DOR does after the machine's reset; disks stay. */
  reset(): void {
    this.#stop();
    const { drives: _heads, transfer: _none, ...state } = powerOnFloppy();
    this.#state = state;
    this.#drive();
  }

  /** Returns a copy of all registers. */
  save(): DeviceState {
    return saveState('floppy', stateVersion, floppyShape, {
      ...this.#state,
      drives: this.#drives.state,
      transfer: this.#transfer.state,
    });
  }

  /** Takes over saved registers, drives the wires and goes on with what was under way. */
  restore(state: unknown): void {
    const saved = openState(state, 'floppy', stateVersion, floppyShape);
    const { drives, transfer, ...registers } = saved;
    this.#state = registers;
    this.#drives.state = drives;
    this.#drives.arm();
    this.#transfer.begin(transfer);
    this.#drive();
  }

  get #running(): boolean {
    return (this.#state.dor & reg.dor.running) !== 0;
  }

  #drive(): void {
    const { interrupt, dor } = this.#state;
    this.#irq.set((interrupt || this.#transfer.wantsByte) && (dor & reg.dor.gate) !== 0);
  }

  #raise(): void {
    this.#state.interrupt = true;
    this.#state.resetStatuses = 0;
    this.#drive();
  }

  #writeDor(value: number): void {
    const was = this.#running;
    this.#state.dor = value;
    if (!this.#running) {
      this.#stop();
    } else if (!was) {
      this.#restart();
    }
  }

  /** Gives up what is under way (data sheet, section 3.3). */
  #stop(): void {
    this.#transfer.begin(null);
    this.#drives.reset();
    const state = this.#state;
    state.command = [];
    state.result = [];
    state.interrupt = false;
    state.resetStatuses = 0;
    if (!state.locked) {
      state.configuration = [0, 0];
    }
  }

  /** Comes out of reset: the drives are polled, which ends in an interrupt (section 4.1). */
  #restart(): void {
    this.#raise();
    this.#state.resetStatuses = 4;
  }

  #mainStatus(): number {
    const { command: bytes, result } = this.#state;
    const { seeking } = this.#drives;
    const running = this.#transfer.state;
    if (!this.#running) {
      return 0;
    }
    if (running !== null) {
      const feeds = this.#transfer.wantsByte ? reg.msr.ready : 0;
      const toHost = this.#transfer.toHost ? reg.msr.toHost : 0;
      return reg.msr.busy | feeds | toHost | (running.dma ? 0 : reg.msr.nonDma) | seeking;
    }
    if (result.length > 0) {
      return reg.msr.ready | reg.msr.toHost | reg.msr.busy | seeking;
    }
    return reg.msr.ready | (bytes.length > 0 ? reg.msr.busy : 0) | seeking;
  }

  #readFifo(): number {
    const state = this.#state;
    if (this.#transfer.state !== null) {
      const byte = this.#transfer.readByte();
      this.#drive();
      return byte;
    }
    const byte = state.result.shift();
    if (byte !== undefined && this.#drives.state.every((drive) => drive.status < 0)) {
      state.interrupt = false;
      this.#drive();
    }
    return byte ?? 0;
  }

  #writeFifo(value: number): void {
    const state = this.#state;
    if (this.#transfer.state !== null) {
      this.#transfer.writeByte(value);
      return;
    }
    if (!this.#running || state.result.length > 0) {
      return;
    }
    state.command.push(value);
    const code = commandCode(state.command[0] ?? 0);
    if (state.command.length >= (reg.commandBytes[code] ?? 1)) {
      const bytes = state.command;
      state.command = [];
      this.#execute(code, bytes);
    }
  }

  #execute(code: number, bytes: readonly number[]): void {
    const state = this.#state;
    const [first = 0, second = 0, third = 0] = bytes;
    const drive = second & 3;
    if (code !== command.senseInterrupt) {
      state.resetStatuses = 0;
    }
    switch (code) {
      case command.specify:
        state.specification = [second, third];
        break;
      case command.senseDrive:
        state.result = [this.#driveStatus(second)];
        break;
      case command.recalibrate:
        this.#drives.seek(drive, 0);
        break;
      case command.seek:
        this.#seek(first, drive, third);
        break;
      case command.senseInterrupt:
        this.#senseInterrupt();
        break;
      case command.dumpRegisters:
        state.result = this.#dump();
        break;
      case command.version:
        state.result = [reg.controllerVersion];
        break;
      case command.perpendicular:
        state.perpendicular = second & 0x3f;
        break;
      case command.configure:
        state.configuration = [third, bytes[3] ?? 0];
        break;
      case command.lock:
        state.locked = (first & reg.commandHigh) !== 0;
        state.result = [state.locked ? 0x10 : 0x00];
        break;
      case command.readId:
      case command.format:
      case command.readTrack:
      case command.read:
      case command.readDeleted:
      case command.write:
      case command.writeDeleted:
      case command.verify:
        this.#beginTransfer(code, bytes);
        break;
      default:
        state.result = [st0.invalid];
        break;
    }
  }

  #seek(first: number, drive: number, operand: number): void {
    const isRelative = (first & reg.commandHigh) !== 0;
    const from = this.#drives.state[drive]?.cylinder ?? 0;
    const step = (first & reg.seekInwards) !== 0 ? operand : -operand;
    this.#drives.seek(drive, isRelative ? Math.max(0, Math.min(255, from + step)) : operand);
  }

  #senseInterrupt(): void {
    const state = this.#state;
    const drive = this.#drives.state.find((candidate) => candidate.status >= 0);
    if (state.resetStatuses > 0) {
      const index = 4 - state.resetStatuses;
      state.resetStatuses -= 1;
      state.result = [st0.polling | index, this.#drives.state[index]?.cylinder ?? 0];
      state.interrupt = false;
    } else if (drive === undefined) {
      state.result = [st0.invalid];
    } else {
      state.result = [drive.status, drive.cylinder];
      drive.status = -1;
      state.interrupt = this.#drives.state.some((other) => other.status >= 0);
    }
  }

  #driveStatus(operand: number): number {
    const drive = operand & 3;
    const isProtected = this.#drives.disk(drive)?.readOnly === true;
    const isAtZero = this.#drives.state[drive]?.track === 0;
    return 0x28 | (isProtected ? 0x40 : 0) | (isAtZero ? 0x10 : 0) | (operand & 7);
  }

  #dump(): number[] {
    const { specification, configuration, perpendicular, locked } = this.#state;
    const cylinders = this.#drives.state.map((drive) => drive.cylinder);
    const lockBit = locked ? 0x80 : 0;
    return [...cylinders, ...specification, 0, lockBit | perpendicular, ...configuration];
  }

  #beginTransfer(code: number, bytes: readonly number[]): void {
    const state = this.#state;
    const [, operand = 0, cylinder = 0] = bytes;
    const drive = operand & 3;
    const seeksFirst = ((state.configuration[0] ?? 0) & reg.impliedSeek) !== 0;
    if (seeksFirst && code !== command.readId && code !== command.format) {
      this.#drives.move(drive, cylinder);
    }
    if (code === command.readId) {
      const sectors = this.#drives.disk(drive)?.geometry.sectors ?? 1;
      state.idSector = (state.idSector % sectors) + 1;
    }
    const disk = this.#drives.disk(drive);
    const transfer = transferOf(code, bytes, {
      dueNs: this.#clock.now() + sectorNs,
      track: this.#drives.state[drive]?.track ?? 0,
      dma: ((state.specification[1] ?? 0) & reg.specifyNonDma) === 0,
      rate: state.rate,
      idSector: state.idSector,
      ...(disk === undefined ? {} : { disk }),
    });
    this.#transfer.begin(transfer);
  }

  /** Makes the result of a command that moved data. */
  #transferDone(transfer: TransferState, status: readonly number[]): void {
    const [ended = 0, error1 = 0, error2 = 0] = status;
    const { drive, head, cylinder, sector } = transfer;
    const first = ended | drive;
    this.#state.result = [first, error1, error2, cylinder, head, sector, reg.floppySizeCode];
    this.#raise();
  }
}

/** Returns the command that a code names, without its option bits; -1 for one that is invalid. */
function commandCode(byte: number): number {
  const code = byte & 0x1f;
  const options = byte & 0xe0 & ~(reg.commandOptions[code] ?? 0);
  return options === 0 && reg.commandBytes[code] !== undefined ? code : -1;
}
