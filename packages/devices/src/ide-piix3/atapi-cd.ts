/** A CD drive: ATA commands of a packet device, and the packet commands of SFF-8020i and MMC-3. */
import type { BlockStorage } from '../block-storage.ts';
import type { Drive, DriveKind } from './drive.ts';
import { identifyCd, isTransferMode, type DriveNames } from './identify.ts';
import { MediumAccess } from './medium-access.ts';
import * as replies from './packet-replies.ts';
import * as reg from './registers.ts';

const packetBytes = 12;

/** Sense keys and additional codes (SPC-2, 7.23). */
const sense = {
  notReady: [2, 0x3a00],
  trayOpen: [2, 0x3a02],
  medium: [3, 0x1100],
  invalidCommand: [5, 0x2000],
  outOfRange: [5, 0x2100],
  invalidField: [5, 0x2400],
  locked: [5, 0x5302],
  newMedium: [6, 0x2800],
} as const;

/** Packet commands. */
const packet = {
  testUnitReady: 0x00,
  requestSense: 0x03,
  inquiry: 0x12,
  modeSense6: 0x1a,
  startStop: 0x1b,
  lock: 0x1e,
  readCapacity: 0x25,
  read10: 0x28,
  seek: 0x2b,
  readSubChannel: 0x42,
  readToc: 0x43,
  configuration: 0x46,
  eventStatus: 0x4a,
  discInformation: 0x51,
  modeSense10: 0x5a,
  read12: 0xa8,
  setSpeed: 0xbb,
  mechanismStatus: 0xbd,
  readCd: 0xbe,
} as const;

/** Commands that are served whatever the medium is about. */
const always: ReadonlySet<number> = new Set([
  packet.requestSense,
  packet.inquiry,
  packet.configuration,
  packet.eventStatus,
  packet.modeSense6,
  packet.modeSense10,
  packet.startStop,
  packet.lock,
  packet.mechanismStatus,
  packet.setSpeed,
]);

/** A CD drive, whose medium can be changed. */
export class AtapiCd implements DriveKind {
  readonly signature = [0x14, 0xeb] as const;
  readonly #drive: Drive;
  readonly #names: DriveNames;
  readonly #access: MediumAccess = new MediumAccess(reg.dmaPieceBytes);
  #medium: BlockStorage | undefined;

  /** Makes a drive with a medium, or with none. */
  constructor(drive: Drive, medium: BlockStorage | undefined, names: DriveNames) {
    this.#drive = drive;
    this.#medium = medium;
    this.#names = names;
  }

  /** Puts another medium in, or takes it out; the host is told with its next command. */
  insert(medium: BlockStorage | undefined): void {
    this.#medium = medium;
    const { state } = this.#drive;
    state.changed = medium !== undefined;
    state.open = false;
  }

  command(code: number): void {
    const { state } = this.#drive;
    const { task } = state;
    switch (code) {
      case reg.ataCommand.packet: {
        const limit = (task.lbaMid | (task.lbaHigh << 8)) & 0xfffe;
        state.limit = limit === 0 ? 0xfffe : limit;
        state.dma = (task.features & 1) !== 0;
        state.work = 'packet';
        task.count = reg.packetReason.command;
        this.#drive.ask(packetBytes, true);
        break;
      }
      case reg.ataCommand.deviceReset:
        this.#drive.softReset();
        break;
      case reg.ataCommand.identifyPacket:
        this.#drive.later('identify');
        break;
      case reg.ataCommand.setFeatures:
        if (task.features !== 0x03 || !isTransferMode(task.count)) {
          this.#drive.complete(reg.ideError.abort);
          break;
        }
        state.mode = task.count;
        this.#drive.later('end');
        break;
      case reg.ataCommand.identify:
        // A packet device answers with its signature (ATA/ATAPI-6, 8.15.5.2).
        this.#drive.softReset();
        this.#drive.complete(reg.ideError.abort);
        break;
      case reg.ataCommand.checkPower:
        task.count = 0xff;
        this.#drive.later('end');
        break;
      case reg.ataCommand.flush:
      case reg.ataCommand.standbyNow:
      case reg.ataCommand.idleNow:
      case reg.ataCommand.sleep:
        this.#drive.later('end');
        break;
      default:
        this.#drive.complete(reg.ideError.abort);
    }
  }

  work(): void {
    const { state } = this.#drive;
    if (state.work === 'read') {
      this.#read();
    } else if (state.work === 'reply') {
      this.#deliver();
    } else if (state.work === 'identify') {
      this.#drive.offer(identifyCd(this.#names, state));
    } else {
      this.#end();
    }
  }

  drained(): void {
    const { state } = this.#drive;
    if (state.work === 'identify') this.#drive.rest(reg.ideStatus.ready | reg.ideStatus.seekDone);
    else if (state.reply.length > 0) this.#drive.later('reply');
    else this.#drive.later(state.left > 0 ? 'read' : 'end');
  }

  filled(): void {
    const bytes = this.#drive.written;
    const code = bytes[0] ?? 0;
    if (!always.has(code) && !this.#isReady()) return;
    this.#packet(code, bytes);
  }

  forget(): void {
    this.#access.forget();
    this.#drive.state.reply = [];
  }

  /** The medium that the host may read. */
  get #disc(): BlockStorage | undefined {
    return this.#drive.state.open ? undefined : this.#medium;
  }

  get #sectors(): number | undefined {
    const disc = this.#disc;
    return disc === undefined ? undefined : Math.floor(disc.bytes / replies.cdSectorBytes);
  }

  #packet(code: number, bytes: Uint8Array): void {
    const at = (index: number): number => bytes[index] ?? 0;
    const at16 = (index: number): number => at(index) * 256 + at(index + 1);
    const at32 = (index: number): number => at16(index) * 0x1_0000 + at16(index + 2);
    const { state } = this.#drive;
    const sectors = this.#sectors ?? 0;
    switch (code) {
      case packet.testUnitReady:
      case packet.seek:
      case packet.setSpeed:
        this.#drive.later('end');
        break;
      case packet.requestSense:
        this.#reply(replies.sense(state.senseKey, state.senseCode), at(4));
        state.senseKey = 0;
        state.senseCode = 0;
        break;
      case packet.inquiry:
        this.#reply(replies.inquiry(this.#names.model), at16(3));
        break;
      case packet.modeSense6:
      case packet.modeSense10:
        this.#modeSense(at(2), code === packet.modeSense10, bytes);
        break;
      case packet.startStop:
        this.#startStop(at(4));
        break;
      case packet.lock:
        state.locked = (at(4) & 1) !== 0;
        this.#drive.later('end');
        break;
      case packet.readCapacity:
        this.#reply(replies.capacity(sectors), 8);
        break;
      case packet.read10:
        this.#beginRead(at32(2), at16(7));
        break;
      case packet.read12:
        this.#beginRead(at32(2), at32(6));
        break;
      case packet.readCd:
        this.#readCd(at32(2), at(6) * 0x1_0000 + at16(7), at(9));
        break;
      case packet.readToc: {
        const format = (at(2) & 0x0f) | (at(9) >> 6);
        const msf = (at(1) & 2) !== 0;
        this.#replyOr(replies.tableOfContents(sectors, format, msf, at(6)), at16(7));
        break;
      }
      case packet.configuration:
        this.#reply(replies.configuration(this.#sectors, at16(2), (at(1) & 3) === 2), at16(7));
        break;
      case packet.eventStatus:
        this.#eventStatus(at(1), at(4), at16(7));
        break;
      case packet.discInformation:
        this.#reply(replies.discInformation(), at16(7));
        break;
      case packet.mechanismStatus:
        this.#reply([0, 0, 0, 0, 0, 1, 0, 0], at16(8));
        break;
      case packet.readSubChannel:
        this.#reply([0, 0x15, 0, 0], at16(7));
        break;
      default:
        this.#fail(sense.invalidCommand);
    }
  }

  #isReady(): boolean {
    const { state } = this.#drive;
    if (state.changed) {
      state.changed = false;
      this.#fail(sense.newMedium);
    } else if (state.open) {
      this.#fail(sense.trayOpen);
    } else if (this.#medium === undefined) {
      this.#fail(sense.notReady);
    } else {
      return true;
    }
    return false;
  }

  #modeSense(pageByte: number, isLong: boolean, bytes: Uint8Array): void {
    const pages = replies.modePages(pageByte & 0x3f, this.#drive.state.locked);
    const space = isLong ? (bytes[7] ?? 0) * 256 + (bytes[8] ?? 0) : (bytes[4] ?? 0);
    const isSaved = pageByte >> 6 === 3;
    this.#replyOr(
      pages === undefined || isSaved ? undefined : replies.modeReply(pages, isLong),
      space,
    );
  }

  #startStop(what: number): void {
    const { state } = this.#drive;
    const moves = (what & 2) !== 0;
    const opens = moves && (what & 1) === 0;
    if (opens && state.locked) {
      this.#fail(sense.locked);
      return;
    }
    if (moves) {
      state.changed = state.open && !opens && this.#medium !== undefined;
      state.open = opens;
    }
    this.#drive.later('end');
  }

  #eventStatus(polled: number, classes: number, space: number): void {
    const { state } = this.#drive;
    if ((polled & 1) === 0) {
      this.#fail(sense.invalidField); // There are no asynchronous events.
    } else if ((classes & 0x10) === 0) {
      this.#reply([0, 2, 0x80, 0x10], space);
    } else {
      this.#reply(replies.mediaEvent(state.open, this.#disc !== undefined, state.changed), space);
    }
  }

  #readCd(lba: number, count: number, parts: number): void {
    // User data of 2,048 bytes, or nothing; raw sectors are not on an image.
    if (parts === 0) this.#drive.later('end');
    else if ((parts & 0xf8) === 0x10) this.#beginRead(lba, count);
    else this.#fail(sense.invalidField);
  }

  #beginRead(lba: number, count: number): void {
    const { state } = this.#drive;
    if (lba + count > (this.#sectors ?? 0)) {
      this.#fail(sense.outOfRange);
      return;
    }
    state.lba = lba;
    state.left = count;
    this.#drive.later(count === 0 ? 'end' : 'read');
  }

  #read(): void {
    const { state, bus } = this.#drive;
    const disc = this.#disc;
    if (disc === undefined) {
      this.#fail(sense.notReady);
      return;
    }
    if (state.dma && !bus.masterWaits(true)) {
      this.#drive.awaitMaster('read');
      return;
    }
    const size = replies.cdSectorBytes;
    const most = state.dma ? reg.dmaPieceBytes : Math.min(state.limit, reg.mostPioBytes);
    const count = Math.min(state.left, Math.max(1, Math.floor(most / size)));
    this.#access.read(disc, state.lba * size, count * size, (data) => {
      if (data === undefined) {
        this.#fail(sense.medium);
        return;
      }
      const moved = state.dma ? Math.floor(bus.toGuest(data) / size) : count;
      state.lba += moved;
      state.left -= moved;
      if (!state.dma) {
        state.reply = [...data];
        this.#deliver();
      } else {
        this.#drive.later(state.left > 0 ? 'read' : 'end');
      }
    });
  }

  #replyOr(bytes: number[] | undefined, space: number): void {
    if (bytes === undefined) this.#fail(sense.invalidField);
    else this.#reply(bytes, space);
  }

  /** Replies with at most as many bytes as the host has space for. */
  #reply(bytes: number[], space: number): void {
    const { state } = this.#drive;
    state.left = 0;
    state.reply = bytes.slice(0, space);
    this.#drive.later(state.reply.length === 0 ? 'end' : 'reply');
  }

  /** Gives the host as much of the reply as it takes at one time. */
  #deliver(): void {
    const { state, bus } = this.#drive;
    const { task } = state;
    if (state.dma) {
      if (!bus.masterWaits(true)) {
        this.#drive.awaitMaster('reply');
        return;
      }
      bus.toGuest(Uint8Array.from(state.reply));
      state.reply = [];
      this.#end();
      return;
    }
    const bytes = Math.min(state.reply.length, state.limit, reg.mostPioBytes);
    const piece = Uint8Array.from(state.reply.slice(0, bytes));
    state.reply = state.reply.slice(bytes);
    task.count = reg.packetReason.toHost;
    task.lbaMid = bytes & 0xff;
    task.lbaHigh = bytes >> 8;
    this.#drive.offer(piece);
  }

  #end(): void {
    const { state, bus } = this.#drive;
    state.task.count = reg.packetReason.toHost | reg.packetReason.command;
    if (state.dma) bus.masterFinished();
    this.#drive.complete();
  }

  #fail([key, code]: readonly [number, number]): void {
    const { state } = this.#drive;
    state.senseKey = key;
    state.senseCode = code;
    state.left = 0;
    state.reply = [];
    state.task.count = reg.packetReason.toHost | reg.packetReason.command;
    this.#drive.complete((key << 4) | reg.ideError.abort);
  }
}
