/** INT 19h and 18h: what is booted (BIOS Boot Specification 1.01; El Torito 1.0 for CDs). */

import type { RequestBox } from '../requests.ts';
import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import type { DiskServices } from './disk-services.ts';
import { emulatedDisk, emulatedGeometry } from './drives.ts';
import type { BiosFrame } from './frame.ts';
import { Bda, Outcome } from './layout.ts';
import { bootVectorOfRoms } from './option-roms.ts';
import type { OutcomeValue } from './layout.ts';
import type { VideoServices } from './video-services.ts';

const loadAddress = 0x7c00;
const signatureOffset = 510;
const signature = 0xaa55;
const volumeDescriptor = 17;
const kinds = { a: 'floppy', c: 'disk', d: 'cdrom' } as const;
/** The owner of the BIOS's own requests: no caller's registers stand there. */
const owner = -1;

/** One step of a boot: a read, and what follows it. */
interface Step {
  readonly drive: number;
  readonly first: number;
  readonly count: number;
  readonly address: number;
  /** Returns the next step, or whether the boot sector is there. */
  readonly then: () => Step | boolean;
}

/** The services that boot. */
export class BootServices {
  readonly #memory: BiosMemory;
  readonly #requests: RequestBox;
  readonly #disk: DiskServices;
  readonly #video: VideoServices;
  readonly #order: string;
  readonly #romFirst: boolean;
  /** The drives that are still to be tried, and the step under way. */
  #drives: number[] | undefined;
  #step: Step | undefined;

  /** Makes the services of a machine that boots in an order of letters, or from a ROM first. */
  constructor(
    board: BiosBoard,
    disk: DiskServices,
    video: VideoServices,
    { order, romFirst }: { readonly order: string; readonly romFirst: boolean },
  ) {
    this.#memory = board.memory;
    this.#requests = board.requests;
    this.#disk = disk;
    this.#video = video;
    this.#order = order;
    this.#romFirst = romFirst;
  }

  /** Forgets a boot that is under way. */
  reset(): void {
    this.#drives = undefined;
    this.#step = undefined;
  }

  /** Serves INT 19h: loads a boot sector and lets the stub return into it. */
  boot(frame: BiosFrame): OutcomeValue {
    this.#drives ??= [...this.#order].flatMap((letter) => {
      const kind = Object.hasOwn(kinds, letter) ? kinds[letter as keyof typeof kinds] : undefined;
      return kind === undefined ? [] : this.#disk.numbers(kind).slice(0, 1);
    });
    for (;;) {
      if (this.#step === undefined) {
        if (this.#romFirst || this.#drives.length === 0) {
          const vector = bootVectorOfRoms(this.#memory);
          if (vector !== undefined) {
            this.#enter(frame, 0x80, vector);
            return Outcome.done;
          }
        }
        const drive = this.#drives.shift();
        if (drive === undefined) {
          this.reset();
          return Outcome.none;
        }
        this.#step = drive < 0xe0 ? this.#sectorStep(drive) : this.#descriptorStep(drive);
      }
      const { drive, first, count, address, then } = this.#step;
      const ok = this.#disk.read(owner, drive, first, count, address);
      if (ok === undefined) {
        return Outcome.wait;
      }
      const next = ok && then();
      this.#step = typeof next === 'boolean' ? undefined : next;
      if (next === true) {
        this.#enter(frame, drive);
        return Outcome.done;
      }
    }
  }

  /** Serves INT 18h: says so, and boots again when a key is pressed. */
  noDevice(): OutcomeValue {
    const memory = this.#memory;
    if (this.#drives === undefined) {
      this.#drives = [];
      this.#video.print('No bootable device. Press a key to try again.\r\n');
    }
    if (memory.read16(Bda.keyHead) === memory.read16(Bda.keyTail)) {
      return Outcome.wait;
    }
    this.reset();
    this.#requests.ask({ kind: 'reset', cause: 'guest' });
    return Outcome.wait;
  }

  #enter(frame: BiosFrame, drive: number, vector: number = loadAddress): void {
    this.reset();
    frame.set('es', 0);
    frame.set('ds', 0);
    frame.set('eax', signature);
    frame.set('ebx', 0);
    frame.set('edx', drive);
    frame.set('ip', vector);
    frame.set('cs', vector >>> 16);
    frame.set('flags', 0x0202);
  }

  #sectorStep(drive: number): Step {
    const isFloppy = drive < 0x80;
    const then = (): boolean => {
      const isSigned = this.#memory.read16(loadAddress + signatureOffset) === signature;
      // Old floppies have no signature; an empty one begins with zeros.
      return isSigned || (isFloppy && this.#memory.read16(loadAddress) !== 0);
    };
    return { drive, first: 0, count: 1, address: loadAddress, then };
  }

  /** A CD: the boot record of the volume, its catalogue, then the image that it names. */
  #descriptorStep(drive: number): Step {
    const at = loadAddress;
    const memory = this.#memory;
    const then = (): Step | boolean => {
      const name = Array.from({ length: 23 }, (_, index) => memory.read8(at + 7 + index));
      if (String.fromCharCode(...name) !== 'EL TORITO SPECIFICATION') {
        return false;
      }
      const catalogue = memory.read32(at + 0x47) >>> 0;
      return { drive, first: catalogue, count: 1, address: at, then: () => this.#imageStep(drive) };
    };
    return { drive, first: volumeDescriptor, count: 1, address: at, then };
  }

  #imageStep(drive: number): Step | boolean {
    const memory = this.#memory;
    const entry = loadAddress + 32;
    const isBootable = memory.read8(entry) === 0x88;
    const media = memory.read8(entry + 1) & 0x0f;
    const segment = memory.read16(entry + 2);
    const sectors = memory.read16(entry + 6);
    const first = memory.read32(entry + 8) >>> 0;
    if (!isBootable || media > emulatedDisk || (segment !== 0 && segment !== loadAddress >> 4)) {
      return false;
    }
    if (media > 0) {
      return this.#emulationStep(drive, media, first);
    }
    const count = Math.max(1, Math.ceil(sectors / 4));
    return { drive, first, count, address: loadAddress, then: () => true };
  }
  /** A drive that a CD emulates: a disk's first sector says how it counts. */
  #emulationStep(drive: number, type: number, sector: number): Step {
    const address = loadAddress;
    const number = type === emulatedDisk ? 0x80 : 0;
    const boot: Step = { drive: number, first: 0, count: 1, address, then: () => true };
    const then = (): Step => {
      const start = new Uint8Array(512);
      this.#memory.read(address, start);
      this.#disk.emulate(drive, { type, sector, ...emulatedGeometry(start) });
      return boot;
    };
    return { drive, first: sector, count: 1, address, then };
  }
}
