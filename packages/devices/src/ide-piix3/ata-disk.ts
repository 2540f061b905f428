/**
 * A hard disk: the commands of ATA/ATAPI-6 (T13 1410D, chapter 8) that drivers and firmware use.
 */
import { sectorBytes, type BlockStorage } from '../block-storage.ts';
import type { Drive, DriveKind } from './drive.ts';
import { identifyDisk, isTransferMode, type DriveNames } from './identify.ts';
import { MediumAccess } from './medium-access.ts';
import * as reg from './registers.ts';

const command = reg.ataCommand;

/** How a command that moves sectors does so. */
interface SectorCommand {
  readonly writes: boolean;
  readonly dma: boolean;
  readonly wide: boolean;
  readonly multiple?: boolean;
  readonly through?: boolean;
}

const read = { writes: false, dma: false, wide: false };
const write = { writes: true, dma: false, wide: false };

const sectorCommands: Readonly<Record<number, SectorCommand>> = {
  [command.readSectors]: read,
  [command.readSectorsOnce]: read,
  [command.readSectorsExt]: { ...read, wide: true },
  [command.readMultiple]: { ...read, multiple: true },
  [command.readMultipleExt]: { ...read, multiple: true, wide: true },
  [command.readDma]: { ...read, dma: true },
  [command.readDmaOnce]: { ...read, dma: true },
  [command.readDmaExt]: { ...read, dma: true, wide: true },
  [command.writeSectors]: write,
  [command.writeSectorsOnce]: write,
  [command.writeSectorsExt]: { ...write, wide: true },
  [command.writeMultiple]: { ...write, multiple: true },
  [command.writeMultipleExt]: { ...write, multiple: true, wide: true },
  [command.writeMultipleFuaExt]: { ...write, multiple: true, wide: true, through: true },
  [command.writeDma]: { ...write, dma: true },
  [command.writeDmaOnce]: { ...write, dma: true },
  [command.writeDmaExt]: { ...write, dma: true, wide: true },
  [command.writeDmaFuaExt]: { ...write, dma: true, wide: true, through: true },
};

/** A hard disk over a storage. */
export class AtaDisk implements DriveKind {
  readonly signature = [0, 0] as const;
  readonly #drive: Drive;
  readonly #storage: BlockStorage;
  readonly #names: DriveNames;
  readonly #access: MediumAccess = new MediumAccess(reg.dmaPieceBytes);

  /** Makes a disk. */
  constructor(drive: Drive, storage: BlockStorage, names: DriveNames) {
    this.#drive = drive;
    this.#storage = storage;
    this.#names = names;
  }

  command(code: number): void {
    const sectors = sectorCommands[code];
    if (sectors !== undefined) this.#sectorCommand(sectors);
    else this.#otherCommand(code);
  }

  work(): void {
    const { state } = this.#drive;
    switch (state.work) {
      case 'read':
        this.#read();
        break;
      case 'write':
        this.#write();
        break;
      case 'flush':
        this.#access.flush(this.#storage, (ok) => {
          this.#drive.complete(ok ? 0 : reg.ideError.abort);
        });
        break;
      case 'reply':
        this.#drive.offer(identifyDisk(this.#names, this.#sectors, state));
        break;
      default:
        this.#drive.complete();
    }
  }

  drained(): void {
    const { state } = this.#drive;
    if (state.work === 'read') this.#advance(this.#blockSectors);
    if (state.work === 'read' && state.left > 0) this.#drive.later('read');
    else this.#drive.rest(reg.ideStatus.ready | reg.ideStatus.seekDone);
  }

  filled(): void {
    this.#drive.later('write');
  }

  forget(): void {
    this.#access.forget();
  }

  get #sectors(): number {
    return Math.floor(this.#storage.bytes / sectorBytes);
  }

  /** The sectors of the block that is moved: fewer than asked for where the disk ends. */
  get #blockSectors(): number {
    const { block, left, lba } = this.#drive.state;
    return Math.min(block, left, this.#sectors - lba);
  }

  #sectorCommand({ writes, dma, wide, multiple, through }: SectorCommand): void {
    const { state } = this.#drive;
    const count = this.#count(wide);
    const lba = this.#address(wide);
    const isRefused = (multiple === true && state.multiple === 0) || (writes && this.#readOnly);
    // A read byte by byte goes up to the disk's end, and fails behind it.
    const needed = writes || dma ? count : 1;
    if (isRefused || lba < 0 || lba + needed > this.#sectors) {
      this.#drive.complete(isRefused ? reg.ideError.abort : reg.ideError.notFound);
      return;
    }
    state.lba = lba;
    state.left = count;
    state.block = multiple === true ? state.multiple : 1;
    state.dma = dma;
    state.through = writes && (through === true || !state.writeCache);
    state.work = writes ? 'write' : 'read';
    if (dma) this.#drive.awaitMaster(state.work);
    else if (writes) this.#drive.ask(Math.min(state.block, count) * sectorBytes, true);
    else this.#drive.later('read');
  }

  get #readOnly(): boolean {
    return this.#storage.readOnly;
  }

  #otherCommand(code: number): void {
    const { state } = this.#drive;
    const { task } = state;
    if (code >= 0x10 && code <= 0x1f) {
      this.#drive.later('end'); // RECALIBRATE of ATA-3.
      return;
    }
    switch (code) {
      case command.identify:
        this.#drive.later('reply');
        break;
      case command.flush:
      case command.flushExt:
        this.#drive.later('flush');
        break;
      case command.setFeatures:
        this.#setFeatures();
        break;
      case command.setMultiple:
        this.#setMultiple(task.count);
        break;
      case command.setGeometry:
        state.heads = (task.device & 0x0f) + 1;
        state.sectorsPerTrack = task.count === 0 ? state.sectorsPerTrack : task.count;
        this.#end(task.count !== 0);
        break;
      case command.readNativeMax:
      case command.readNativeMaxExt:
        this.#setAddress(this.#sectors - 1, code === command.readNativeMaxExt);
        this.#drive.later('end');
        break;
      case command.readVerify:
      case command.readVerifyOnce:
      case command.readVerifyExt: {
        const wide = code === command.readVerifyExt;
        const lba = this.#address(wide);
        const isThere = lba >= 0 && lba + this.#count(wide) <= this.#sectors;
        if (isThere) this.#drive.later('end');
        else this.#drive.complete(reg.ideError.notFound);
        break;
      }
      case command.checkPower:
        task.count = 0xff; // Active or idle.
        this.#drive.later('end');
        break;
      case command.seek:
      case command.standbyNow:
      case command.idleNow:
      case command.standby:
      case command.idle:
      case command.sleep:
        this.#drive.later('end');
        break;
      default:
        this.#drive.complete(reg.ideError.abort);
    }
  }

  #end(isDone: boolean): void {
    if (isDone) this.#drive.later('end');
    else this.#drive.complete(reg.ideError.abort);
  }

  #setMultiple(count: number): void {
    const isValid = count <= reg.mostMultiple && (count & (count - 1)) === 0;
    if (isValid) this.#drive.state.multiple = count;
    this.#end(isValid);
  }

  #setFeatures(): void {
    const { state } = this.#drive;
    const { features, count } = state.task;
    switch (features) {
      case 0x02:
        state.writeCache = true;
        this.#drive.later('end');
        break;
      case 0x82:
        state.writeCache = false;
        this.#drive.later('flush');
        break;
      case 0x03:
        if (isTransferMode(count)) state.mode = count;
        this.#end(isTransferMode(count));
        break;
      case 0x55:
      case 0xaa:
      case 0x66:
      case 0xcc:
        this.#drive.later('end'); // Look-ahead, and whether a software reset reverts settings.
        break;
      default:
        this.#drive.complete(reg.ideError.abort);
    }
  }

  #read(): void {
    const { state } = this.#drive;
    if (state.dma) {
      this.#readDma();
      return;
    }
    if (this.#blockSectors <= 0) {
      this.#fail(reg.ideError.notFound);
      return;
    }
    const bytes = this.#blockSectors * sectorBytes;
    this.#access.read(this.#storage, state.lba * sectorBytes, bytes, (data) => {
      if (data === undefined) this.#fail();
      else this.#drive.offer(data);
    });
  }

  #readDma(): void {
    const { state, bus } = this.#drive;
    if (!bus.masterWaits(true)) {
      this.#drive.awaitMaster('read');
      return;
    }
    const bytes = Math.min(state.left * sectorBytes, reg.dmaPieceBytes);
    this.#access.read(this.#storage, state.lba * sectorBytes, bytes, (data) => {
      if (data === undefined) {
        this.#fail();
      } else {
        this.#advance(Math.floor(bus.toGuest(data) / sectorBytes));
        this.#nextPiece('read');
      }
    });
  }

  #write(): void {
    const { state, bus } = this.#drive;
    if (state.dma && !bus.masterWaits(false)) {
      this.#drive.awaitMaster('write');
      return;
    }
    const fill = (buffer: Uint8Array): number => {
      if (!state.dma) {
        buffer.set(this.#drive.written);
        return this.#drive.written.length;
      }
      const bytes = Math.min(state.left * sectorBytes, reg.dmaPieceBytes);
      const got = bus.fromGuest(buffer.subarray(0, bytes));
      return got - (got % sectorBytes);
    };
    this.#access.write(this.#storage, state.lba * sectorBytes, fill, (ok, bytes) => {
      if (!ok) {
        this.#fail();
        return;
      }
      this.#advance(bytes / sectorBytes);
      if (state.left > 0 && !state.dma) {
        this.#drive.ask(Math.min(state.block, state.left) * sectorBytes, false);
      } else {
        this.#nextPiece('write');
      }
    });
  }

  /** Goes on with a transfer, or ends it. */
  #nextPiece(work: 'read' | 'write'): void {
    const { state, bus } = this.#drive;
    if (state.left > 0) {
      this.#drive.later(work);
      return;
    }
    if (state.dma) bus.masterFinished();
    if (state.through) this.#drive.later('flush');
    else this.#drive.complete();
  }

  #advance(sectors: number): void {
    const { state } = this.#drive;
    state.lba += sectors;
    state.left -= sectors;
  }

  #fail(error: number = reg.ideError.uncorrectable): void {
    const { bus, state } = this.#drive;
    if (state.dma) bus.masterFinished();
    this.#setAddress(state.lba, true);
    this.#drive.complete(error);
  }

  #count(wide: boolean): number {
    const { count, countBefore } = this.#drive.state.task;
    if (!wide) return count === 0 ? 256 : count;
    const sectors = countBefore * 256 + count;
    return sectors === 0 ? 0x1_0000 : sectors;
  }

  /** Returns the address that the task file holds; below zero for one that is none. */
  #address(wide: boolean): number {
    const { task, heads, sectorsPerTrack } = this.#drive.state;
    const low = task.lbaLow + task.lbaMid * 2 ** 8 + task.lbaHigh * 2 ** 16;
    if (wide) {
      const high = task.lbaLowBefore + task.lbaMidBefore * 2 ** 8 + task.lbaHighBefore * 2 ** 16;
      return high * 2 ** 24 + low;
    }
    const head = task.device & 0x0f;
    if ((task.device & reg.ideDevice.lba) !== 0) return head * 2 ** 24 + low;
    const cylinder = task.lbaMid + task.lbaHigh * 256;
    const isPlace = task.lbaLow >= 1 && task.lbaLow <= sectorsPerTrack && head < heads;
    return isPlace ? (cylinder * heads + head) * sectorsPerTrack + task.lbaLow - 1 : -1;
  }

  #setAddress(lba: number, wide: boolean): void {
    const { task } = this.#drive.state;
    const at = wide ? lba : Math.min(lba, 0x0fff_ffff);
    const byte = (index: number): number => Math.floor(at / 2 ** (8 * index)) % 256;
    task.lbaLow = byte(0);
    task.lbaMid = byte(1);
    task.lbaHigh = byte(2);
    task.lbaLowBefore = byte(3);
    task.lbaMidBefore = byte(4);
    task.lbaHighBefore = byte(5);
    if (!wide) task.device = (task.device & 0xf0) | (byte(3) & 0x0f);
  }
}
