/**
 * The services of the built-in BIOS (IBM PS/2 and PC BIOS Interface Technical Reference): what its
 * ROM asks of the machine by hypercall.
 *
 * All that lasts is in the guest's own data areas, but for a disk request under way.
 */
import type { Board } from '../board.ts';
import { systemRom } from '../boot/memory-map.ts';
import type { HypercallRegisters } from '@ringfence/hypercall';

import { BootServices } from './boot-services.ts';
import type { BiosDrive } from './drives.ts';
import { DiskServices } from './disk-services.ts';
import type { BiosBoard } from './bios-memory.ts';
import { BiosMemory } from './bios-memory.ts';
import { BiosFrame } from './frame.ts';
import { KeyboardServices } from './keyboard-services.ts';
import { placeOptionRoms } from './option-roms.ts';
import { biosMagic, Outcome, Service, wakeIrq } from './layout.ts';
import { MouseServices } from './mouse-services.ts';
import type { OutcomeValue } from './layout.ts';
import { startBios } from './start.ts';
import type { BiosProgram } from './program.ts';
import { SystemServices } from './system-services.ts';
import { TimeServices } from './time-services.ts';
import { VideoServices } from './video-services.ts';

/** Services whose waits `wakeIrq` ends. */
const wokenByIrq: readonly number[] = [0x13, 0x15, 0x19, 0x40];

const register = { eax: 0, ecx: 1, ebx: 3 } as const;

/** The board that a BIOS works for, and what it boots from. */
export interface BiosOptions {
  readonly board: Board;
  /** The 8259s: whether a request gets through them. */
  readonly pic: { passes(irq: number): boolean };
  readonly program: BiosProgram;
  /** The drives in the order in which they are numbered, floppies and CDs apart. */
  readonly drives: readonly BiosDrive[];
  /** Boot devices by their letters, as `-boot` has them. */
  readonly order: string;
  /** Images of option ROMs. */
  readonly optionRoms: readonly Uint8Array[];
  /** Whether the first of them is booted before any drive. */
  readonly romFirst: boolean;
}

/** The services of a BIOS. */
export class BuiltInBios {
  readonly #board: BiosBoard;
  readonly #pic: BiosOptions['pic'];
  /** Whether a guest-physical address is in ROM. */
  readonly #isRom: (address: number) => boolean;
  readonly #program: BiosProgram;
  readonly #optionRoms: readonly Uint8Array[];
  readonly #video: VideoServices;
  readonly #disk: DiskServices;
  readonly #keyboard: KeyboardServices;
  readonly #mouse: MouseServices;
  readonly #system: SystemServices;
  readonly #time: TimeServices;
  readonly #boot: BootServices;

  /** Connects a BIOS with the chips that it uses. */
  constructor(options: BiosOptions) {
    const { program } = options;
    const { memory, ports, requests, clock, timers } = options.board;
    const isaIrq: Board['isaIrq'] = (irq) => options.board.isaIrq(irq);
    const board = { memory: new BiosMemory(memory), ports, requests, clock, timers, isaIrq };
    this.#board = board;
    this.#pic = options.pic;
    this.#isRom = (address) => isInBios(address) && !memory.writable(address >>> 12);
    this.#program = program;
    this.#optionRoms = options.optionRoms;
    this.#video = new VideoServices(board, program);
    this.#disk = new DiskServices(board, options.drives);
    this.#keyboard = new KeyboardServices(board);
    this.#mouse = new MouseServices(board);
    this.#system = new SystemServices(board, program);
    this.#time = new TimeServices(board);
    this.#boot = new BootServices(board, this.#disk, this.#video, options);
  }

  /**
   * Serves a hypercall if it is one of the BIOS's: from privilege level 0, and from its own code in
   * virtual-8086 mode, where memory managers run DOS. Which page shows that code is for the guest's
   * kernel to decide.
   */
  hypercall(registers: HypercallRegisters): boolean {
    const { cpl, virtual8086: caller } = registers;
    const mayCall = cpl === 0 || (caller !== undefined && this.#isRom(caller.at));
    if (registers.low(register.eax) >>> 0 !== biosMagic || !mayCall) {
      return false;
    }
    const { memory } = this.#board;
    const service = registers.low(register.ecx) & 0xffff;
    const outcome = memory.serveFor(caller, () => {
      const frame = new BiosFrame(memory, registers.low(register.ebx) >>> 0);
      const asked = this.#serve(service, frame);
      const canWake = !wokenByIrq.includes(service) || this.#pic.passes(wakeIrq);
      const sleeps = asked === Outcome.wait && canWake;
      return asked === Outcome.wait && !sleeps ? Outcome.again : asked;
    });
    registers.set(register.eax, outcome, 0);
    return true;
  }

  /** Forgets a disk request that is under way. */
  reset(): void {
    this.#disk.reset();
    this.#mouse.reset();
    this.#boot.reset();
  }

  #serve(service: number, frame: BiosFrame): OutcomeValue {
    switch (service) {
      case Service.start:
        this.reset();
        startBios(this.#board, this.#program, this.#disk);
        this.#video.setMode(3);
        placeOptionRoms(this.#board, this.#optionRoms);
        return Outcome.done;
      case Service.scanCode:
        this.#keyboard.scanCode(frame);
        return Outcome.done;
      case Service.clock:
        this.#time.countWait();
        return Outcome.done;
      case Service.mouse:
        this.#mouse.take(frame);
        return Outcome.done;
      case 0x10:
        return this.#video.serve(frame);
      case 0x13:
      case 0x40: // Where INT 13h was before there were disks.
        return this.#disk.serve(frame);
      case 0x15:
        return this.#serveSystem(frame);
      case 0x16:
        return this.#keyboard.serve(frame);
      case 0x18:
        return this.#boot.noDevice();
      case 0x19:
        return this.#boot.boot(frame);
      case 0x1a:
        this.#time.serve(frame);
        return Outcome.done;
      default:
        this.#system.serveSimple(service, frame);
        return Outcome.done;
    }
  }

  #serveSystem(frame: BiosFrame): OutcomeValue {
    switch (frame.ah) {
      case 0x83:
        return this.#time.serveWait(frame);
      case 0xc2:
        return this.#mouse.serve(frame);
      default:
        return this.#system.serve(frame);
    }
  }
}

/** Whether a guest-physical address is below 1 MiB where the BIOS stands. */
function isInBios(address: number): boolean {
  return address >= systemRom && address < 0x10_0000;
}
