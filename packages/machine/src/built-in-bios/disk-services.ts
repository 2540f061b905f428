/** INT 13h: floppies, disks and CDs (IBM; and the EDD extensions, ANSI NCITS 347). */
import type { IrqLine } from '@ringfence/devices';

import type { BiosBoard, BiosMemory, PinnedMemory } from './bios-memory.ts';
import { firstCd, firstDisk, numbered, sectorsThere, transferOf } from './disk-transfers.ts';
import type { NumberedDrive, Transfer } from './disk-transfers.ts';
import { emulatedDisk, emulatedDrive } from './drives.ts';
import type { BiosDrive, Emulated, Geometry } from './drives.ts';
import type { BiosFrame } from './frame.ts';
import { Bda, Emulation, Outcome, Rom, wakeIrq } from './layout.ts';
import type { OutcomeValue } from './layout.ts';

/** What a service left in AH. */
const Status = {
  ok: 0x00,
  badCommand: 0x01,
  writeProtected: 0x03,
  notFound: 0x04,
  badSector: 0x10,
  controller: 0x20,
  timeout: 0x80,
  notReady: 0xaa,
} as const;

/** Commands up to here are transfers by cylinder, head and sector, of one sector at least. */
const lastPlainTransfer = 0x04;

const chunkBytes = 0x1_0000;

/** What the data area says of a disk in a floppy drive, by the drive's type. */
const mediaOfTypes: Readonly<Record<number, number>> = {
  1: 0x93,
  2: 0x15,
  3: 0x97,
  4: 0x17,
  5: 0xd7,
};

/** The services of drives. */
export class DiskServices {
  readonly #memory: BiosMemory;
  readonly #irq: IrqLine;
  readonly #drives: readonly NumberedDrive[];
  /** The request under way: who waits for it, and how it ended once it has. */
  #pending: { readonly owner: number; status: number | undefined } | undefined;

  /** Numbers the drives: floppies from 0, disks from 80h, CDs from E0h. */
  constructor(board: BiosBoard, drives: readonly BiosDrive[]) {
    this.#memory = board.memory;
    this.#irq = board.isaIrq(wakeIrq);
    this.#drives = (['floppy', 'disk', 'cdrom'] as const).flatMap((kind) =>
      drives.filter((drive) => drive.kind === kind).map(numbered),
    );
  }

  /** Returns the numbers of the drives of a kind. */
  numbers(kind: BiosDrive['kind']): readonly number[] {
    return this.#drives.filter((drive) => drive.kind === kind).map(({ number }) => number);
  }

  /** Returns the geometries of the first two disks. */
  diskGeometries(): readonly Geometry[] {
    const disks = this.#drives.filter(({ kind }) => kind === 'disk');
    return disks.slice(0, 2).map(({ geometry }) => geometry);
  }

  /** Forgets a request that is under way; its end changes nothing. */
  reset(): void {
    this.#pending = undefined;
    this.#irq.set(false);
  }

  /** Serves INT 13h. */
  serve(frame: BiosFrame): OutcomeValue {
    const drive = this.#find(frame.dl);
    const command = frame.ah;
    if (command === 0x01) {
      const status = this.#memory.read8(statusAddress(frame.dl));
      frame.ah = status;
      frame.carry = status !== 0;
      return Outcome.done;
    }
    if (drive === undefined) {
      // Programs ask AH = 08h and 15h for drives that are not there to count those that are.
      return this.#end(frame, command === 0x15 ? Status.ok : Status.badCommand, command === 0x15);
    }
    const transfer = transferOf(frame, drive, this.#memory);
    if (transfer === 'bad-sector') {
      return this.#end(frame, Status.notFound);
    }
    if (transfer !== undefined) {
      const isEmpty = transfer.count === 0 && command <= lastPlainTransfer;
      return isEmpty ? this.#end(frame, Status.badCommand) : this.#transfer(frame, transfer);
    }
    return this.#serveSimple(frame, drive, command);
  }

  /**
   * Reads sectors into memory for the BIOS itself; `owner` tells this request from others.
   *
   * Returns nothing while it is under way, and then whether it was done.
   */
  read(
    owner: number,
    number: number,
    first: number,
    count: number,
    address: number,
  ): boolean | undefined {
    const drive = this.#find(number);
    if (drive === undefined) {
      return false;
    }
    const status = this.#run(owner, { drive, kind: 'read', first, count, address });
    return status === undefined ? undefined : status === Status.ok;
  }

  /** Lets a CD emulate the first floppy or disk; the data area keeps it. */
  emulate(number: number, { type, sector, geometry, count }: Emulated): void {
    const memory = this.#memory;
    memory.write8(Emulation.drive, number);
    memory.write8(Emulation.type, type);
    memory.write32(Emulation.sector, sector);
    memory.write8(Emulation.heads, geometry.heads);
    memory.write8(Emulation.sectors, geometry.sectors);
    memory.write16(Emulation.cylinders, geometry.cylinders);
    memory.write32(Emulation.count, count);
    if (type === emulatedDisk) {
      memory.write8(Bda.disks, memory.read8(Bda.disks) + 1);
    }
  }

  /** Finds a drive by its number; one that a CD emulates comes first, before the disks. */
  #find(number: number): NumberedDrive | undefined {
    const type = this.#memory.read8(Emulation.type);
    const isDisk = type === emulatedDisk;
    if (type !== 0 && number === (isDisk ? firstDisk : 0)) {
      const emulated = this.#emulated(type);
      if (emulated !== undefined) return emulated;
    }
    const isMoved = isDisk && number > firstDisk && number < firstCd;
    const found = this.#drives.find((each) => each.number === (isMoved ? number - 1 : number));
    return isMoved && found !== undefined ? { ...found, number } : found;
  }

  #emulated(type: number): NumberedDrive | undefined {
    const memory = this.#memory;
    const holder = memory.read8(Emulation.drive);
    const cd = this.#drives.find((each) => each.kind === 'cdrom' && each.number === holder);
    const geometry = {
      cylinders: memory.read16(Emulation.cylinders),
      heads: memory.read8(Emulation.heads) || 256,
      sectors: memory.read8(Emulation.sectors),
    };
    const sector = memory.read32(Emulation.sector) >>> 0;
    const count = memory.read32(Emulation.count) >>> 0;
    const drive = cd && emulatedDrive(cd.storage, { type, sector, geometry, count });
    if (drive === undefined) {
      return undefined;
    }
    const first = numbered(drive, 0);
    return drive.kind === 'disk' ? { ...first, geometry } : first;
  }

  #transfer(frame: BiosFrame, transfer: Transfer): OutcomeValue {
    const status = this.#run(frame.address, transfer);
    if (status === undefined) {
      return Outcome.wait;
    }
    const { kind } = transfer;
    const { number, floppyType } = transfer.drive;
    if (transfer.drive.kind === 'floppy' && status === Status.ok) {
      const memory = this.#memory;
      memory.write8(Bda.floppySeeks, memory.read8(Bda.floppySeeks) | (1 << (number & 3)));
      memory.write8(Bda.floppyMedia + (number & 1), mediaOfTypes[floppyType] ?? 0x17);
    }
    if (status !== Status.ok) {
      const moved = status === Status.notFound && kind === 'read' ? sectorsThere(transfer) : 0;
      const isPlain = frame.ah <= lastPlainTransfer;
      if (isPlain) frame.al = moved;
      else this.#memory.write16(frame.at('ds', frame.get('esi')) + 2, moved);
    }
    return this.#end(frame, status);
  }

  /** Starts a transfer or looks how it is; undefined while it is under way. */
  #run(owner: number, transfer: Transfer): number | undefined {
    if (this.#pending !== undefined) {
      const { status, owner: other } = this.#pending;
      if (other !== owner) {
        return Status.timeout;
      }
      if (status !== undefined) {
        this.reset();
      }
      return status;
    }
    const { drive, kind } = transfer;
    // A read goes up to the disk's end, as disks do it, and fails behind it.
    const count = sectorsThere(transfer);
    const isCut = transfer.count > count;
    const bytes = count * drive.sectorBytes;
    if (isCut && (kind !== 'read' || count === 0)) {
      return Status.notFound;
    }
    if (kind === 'verify' || count === 0) {
      return Status.ok;
    }
    if (kind !== 'read' && drive.storage.readOnly) {
      return Status.writeProtected;
    }
    const pending: { owner: number; status: number | undefined } = { owner, status: undefined };
    this.#pending = pending;
    const place = this.#memory.pin(transfer.address, bytes, kind === 'read');
    this.#moveFrom({ ...transfer, count }, place, 0, (ok) => {
      pending.status = !ok ? Status.controller : isCut ? Status.notFound : Status.ok;
      if (this.#pending === pending) {
        this.#irq.set(true);
      }
    });
    if (pending.status !== undefined) {
      this.reset();
    }
    return pending.status;
  }

  /** Moves the bytes from `done` on, a chunk after the other. */
  #moveFrom(
    transfer: Transfer,
    place: PinnedMemory,
    done: number,
    end: (ok: boolean) => void,
  ): void {
    const { drive, kind, first, count } = transfer;
    const bytes = count * drive.sectorBytes;
    if (done === bytes) {
      end(true);
      return;
    }
    const buffer = new Uint8Array(Math.min(chunkBytes, bytes - done));
    const offset = first * drive.sectorBytes + done;
    const next = (ok: boolean): void => {
      if (ok && kind === 'read') {
        place.write(done, buffer);
      }
      if (ok) {
        this.#moveFrom(transfer, place, done + buffer.length, end);
      } else {
        end(false);
      }
    };
    if (kind === 'read') {
      drive.storage.read(offset, buffer, next);
    } else {
      if (transfer.fill === undefined) place.read(done, buffer);
      else buffer.fill(transfer.fill);
      drive.storage.write(offset, buffer, next);
    }
  }

  #serveSimple(frame: BiosFrame, drive: NumberedDrive, command: number): OutcomeValue {
    switch (command) {
      case 0x00: // Reset.
      case 0x09: // Set parameters.
      case 0x0c: // Seek.
      case 0x0d:
      case 0x10: // Ready?
      case 0x11: // Recalibrate.
      case 0x14:
      case 0x47: // Extended seek.
        return this.#end(frame, Status.ok);
      case 0x08:
        this.#parameters(frame, drive);
        return Outcome.done;
      case 0x15:
        this.#describe(frame, drive);
        return Outcome.done;
      case 0x16: // Was the disk changed?
      case 0x17:
        return this.#end(frame, Status.ok);
      case 0x18:
        frame.set('es', Rom.segment);
        frame.set('edi', Rom.diskParameters);
        return this.#end(frame, Status.ok);
      case 0x41:
        return this.#checkExtensions(frame, drive);
      case 0x48:
        return this.#extendedParameters(frame, drive);
      case 0x4b:
        return this.#emulation(frame, drive);
      default:
        return this.#end(frame, Status.badCommand);
    }
  }

  /** AH = 08h: the geometry, in the caller's registers. */
  #parameters(frame: BiosFrame, drive: NumberedDrive): void {
    const { cylinders, heads, sectors } = drive.geometry;
    const last = cylinders - 1;
    this.#end(frame, Status.ok);
    frame.al = 0;
    frame.set('ecx', ((last & 0xff) << 8) | ((last >> 2) & 0xc0) | sectors);
    const isFloppy = drive.kind === 'floppy';
    const drives = isFloppy ? this.numbers('floppy').length : this.#memory.read8(Bda.disks);
    frame.set('edx', ((heads - 1) << 8) | Math.max(1, drives));
    if (drive.kind === 'floppy') {
      frame.set('ebx', drive.floppyType);
      frame.set('es', Rom.segment);
      frame.set('edi', Rom.diskParameters);
    }
  }

  /** AH = 15h: what kind of drive it is, and how many sectors a disk has. */
  #describe(frame: BiosFrame, drive: NumberedDrive): void {
    this.#end(frame, Status.ok);
    frame.ah = drive.kind === 'floppy' ? 1 : 3;
    if (drive.kind !== 'floppy') {
      const { cylinders, heads, sectors } = drive.geometry;
      const total = cylinders * heads * sectors;
      frame.set('ecx', total >>> 16);
      frame.set('edx', total);
    }
  }

  #checkExtensions(frame: BiosFrame, drive: NumberedDrive): OutcomeValue {
    if (frame.get('ebx') !== 0x55aa || drive.kind === 'floppy') {
      return this.#end(frame, Status.badCommand);
    }
    this.#end(frame, Status.ok);
    frame.set('ebx', 0xaa55);
    frame.set('ecx', 0x0001 | 0x0004);
    frame.ah = 0x21;
    return Outcome.done;
  }

  /** AH = 48h: fills the caller's buffer, 26 bytes at least. */
  #extendedParameters(frame: BiosFrame, drive: NumberedDrive): OutcomeValue {
    const at = frame.at('ds', frame.get('esi'));
    const memory = this.#memory;
    if (drive.kind === 'floppy' || memory.read16(at) < 26) {
      return this.#end(frame, Status.badCommand);
    }
    const { geometry, sectorBytes, storage } = drive;
    const sectors = Math.floor(storage.bytes / sectorBytes);
    const hasPointer = memory.read16(at) >= 30;
    memory.write16(at, hasPointer ? 30 : 26);
    memory.write16(at + 2, drive.kind === 'cdrom' ? 0x74 : 0x02);
    memory.write32(at + 4, geometry.cylinders);
    memory.write32(at + 8, geometry.heads);
    memory.write32(at + 12, geometry.sectors);
    memory.write32(at + 16, sectors | 0);
    memory.write32(at + 20, Math.floor(sectors / 2 ** 32));
    memory.write16(at + 24, sectorBytes);
    if (hasPointer) {
      memory.write32(at + 26, -1); // No table of the controller's settings.
    }
    return this.#end(frame, Status.ok);
  }

  /** AH = 4Bh: what a CD emulates (El Torito 1.0, 5.2), or with AL = 0 the end of that. */
  #emulation(frame: BiosFrame, drive: NumberedDrive): OutcomeValue {
    const memory = this.#memory;
    const type = memory.read8(Emulation.type);
    const isEmulated = type !== 0 && drive.number === (type === emulatedDisk ? firstDisk : 0);
    if ((drive.kind !== 'cdrom' && !isEmulated) || frame.al > 1) {
      return this.#end(frame, Status.badCommand);
    }
    const packet = new DataView(new ArrayBuffer(0x13));
    packet.setUint8(0, 0x13);
    packet.setUint8(2, drive.number);
    if (isEmulated) {
      const { cylinders, heads, sectors } = drive.geometry;
      packet.setUint8(1, type);
      packet.setUint32(4, memory.read32(Emulation.sector), true);
      packet.setUint8(0x10, (cylinders - 1) & 0xff);
      packet.setUint8(0x11, sectors | (((cylinders - 1) >> 2) & 0xc0));
      packet.setUint8(0x12, heads - 1);
    }
    memory.write(frame.at('ds', frame.get('esi')), new Uint8Array(packet.buffer));
    if (frame.al === 0 && type !== 0) {
      memory.write8(Emulation.type, 0);
      if (type === emulatedDisk) {
        memory.write8(Bda.disks, memory.read8(Bda.disks) - 1);
      }
    }
    return this.#end(frame, Status.ok);
  }

  #end(frame: BiosFrame, status: number, isFine: boolean = status === Status.ok): OutcomeValue {
    this.#memory.write8(statusAddress(frame.dl), status);
    frame.ah = status;
    frame.carry = !isFine;
    return Outcome.done;
  }
}

function statusAddress(number: number): number {
  return number < firstDisk ? Bda.floppyStatus : Bda.diskStatus;
}
