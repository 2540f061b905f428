/**
 * The display on the board: a VGA as a PCI function, its memory as the guest sees it, and whether
 * the picture has changed.
 *
 * Text, 256-colour modes and the linear frame buffer are plain memory to the guest. To know of
 * changes there, `Display` puts write traces on the pages that show, each of which fires once until
 * somebody asks again.
 */
import { textStoreBytes, Vga, VgaFunction } from '@ringfence/devices';
import type { PciMapping, TextScreen, VgaImage, VgaPlaces, VgaWindow } from '@ringfence/devices';
import { pageBytes, TraceOwnerId } from '@ringfence/memory';
import type { PhysicalMemory, Region } from '@ringfence/memory';

import type { Board } from './board.ts';
import { systemRom, videoMemory } from './boot/memory-map.ts';
import { pciMemoryEnd } from './firmware.ts';

const videoMemoryBytes = 0x100_0000;
const windowRange = systemRom - 0x2_0000 - videoMemory;
const slot = 2;

/** Bytes behind RAM that a display takes, with its ROM. */
export function displayBytes(rom: Uint8Array | undefined): number {
  return videoMemoryBytes + textStoreBytes + romSpace(rom);
}

/** What a display is made with. */
export interface DisplayOptions {
  /** The VGA BIOS. */
  readonly rom?: Uint8Array;
  /** The font that is there without a VGA BIOS: 256 characters of 16 bytes. */
  readonly font?: Uint8Array;
  /** Where it stands without firmware that places it. */
  readonly places?: VgaPlaces;
}

/** The display of a machine. */
export class Display {
  readonly #memory: PhysicalMemory;
  readonly #vga: Vga;
  readonly #backing: number;
  /** Where the guest sees video memory: the window, and the frame buffer. */
  readonly #shown = new Map<'window' | 'frame buffer', ShownRange>();
  /** Pages that showed when somebody asked, and that nobody has written to since. */
  readonly #watched = new Set<number>();
  #isWatching = false;
  #changed = true;
  #seenChanges = 0;
  #seenPhase = 0;
  #revision = 0;

  /** Puts a display on the board. */
  constructor(board: Board, options: DisplayOptions) {
    const { memory } = board;
    const { machine } = memory;
    this.#memory = memory;
    const bytes = videoMemoryBytes + textStoreBytes;
    this.#backing = machine.reserve(bytes);
    this.#vga = board.own(
      'vga',
      new Vga({
        clock: board.clock,
        memory: machine.u8.subarray(this.#backing, this.#backing + bytes),
        ...(options.font === undefined ? {} : { font: options.font }),
        windowChanged: (window) => {
          this.#showWindow(window);
        },
      }),
    );
    this.#showWindow(this.#vga.window);
    memory.traces.setOwner(TraceOwnerId.device, {
      written: (physical) => {
        this.#written(physical >>> 12);
      },
    });
    board.pci.add(slot, 0, board.own('vga-function', this.#makeFunction(board, options)));
  }

  /** Returns the rows of the text screen; none in a graphics mode. */
  text(): readonly string[] {
    return this.#vga.text();
  }

  /** Returns the text with its attributes, cursor and colours; nothing in a graphics mode. */
  textScreen(): TextScreen | undefined {
    return this.#vga.textScreen();
  }

  /** Returns the picture on the screen. */
  image(): VgaImage {
    return this.#vga.image();
  }

  /** A number that is another one when the picture may have changed since it was read last. */
  get revision(): number {
    const { changes } = this.#vga;
    const phase = this.#vga.blinkPhase();
    if (this.#changed || changes !== this.#seenChanges || phase !== this.#seenPhase) {
      this.#revision += 1;
    }
    this.#changed = false;
    this.#seenChanges = changes;
    this.#seenPhase = phase;
    this.#isWatching = true;
    this.#watch();
    return this.#revision;
  }

  #makeFunction(board: Board, { rom, places }: DisplayOptions): VgaFunction {
    const { machine } = this.#memory;
    const romBytes = romSpace(rom);
    const romBacking = romBytes === 0 ? 0 : machine.reserve(romBytes);
    machine.u8.set(rom ?? [], romBacking);
    return new VgaFunction({
      vga: this.#vga,
      addressSpace: board.pciAddressSpace,
      mapFrameBuffer: (address, size) => {
        const region = { read: this.#backing, write: this.#backing };
        const mapping = mapBacked(this.#memory, address, size, region);
        this.#show('frame buffer', { address, size });
        return {
          release: () => {
            mapping.release();
            this.#show('frame buffer', undefined);
          },
        };
      },
      mapRom: (address, size) => mapBacked(this.#memory, address, size, { read: romBacking }),
      romBytes,
      ...(places === undefined ? {} : { places }),
    });
  }

  #showWindow(window: VgaWindow): void {
    const { base, size, enabled, layout, offset } = window;
    this.#memory.unmap(videoMemory, windowRange);
    if (enabled && layout === 'planes') {
      this.#memory.mapMmio(base, size, this.#vga);
    } else if (enabled) {
      this.#memory.mapRam(base, size, this.#backing + offset);
    }
    this.#show('window', enabled && layout !== 'planes' ? { address: base, size } : undefined);
  }

  #show(place: 'window' | 'frame buffer', range: ShownRange | undefined): void {
    this.#unwatch();
    this.#changed = true;
    if (range === undefined) {
      this.#shown.delete(place);
    } else {
      this.#shown.set(place, range);
    }
  }

  /** Puts traces on the pages that show and have none. */
  #watch(): void {
    const most = this.#vga.visibleBytes;
    for (const { address, size } of this.#shown.values()) {
      const first = address / pageBytes;
      const end = first + Math.ceil(Math.min(size, most) / pageBytes);
      for (let page = first; page < end; page += 1) {
        if (!this.#watched.has(page)) {
          this.#watched.add(page);
          this.#memory.traces.add(TraceOwnerId.device, page, -1, -1);
        }
      }
    }
  }

  #unwatch(): void {
    if (this.#isWatching) {
      this.#isWatching = false;
      for (const page of this.#watched) {
        this.#memory.traces.remove(TraceOwnerId.device, page, -1, -1);
      }
      this.#watched.clear();
    }
  }

  #written(page: number): void {
    this.#changed = true;
    this.#watched.delete(page);
    this.#memory.traces.remove(TraceOwnerId.device, page, -1, -1);
  }
}

interface ShownRange {
  readonly address: number;
  readonly size: number;
}

/** Returns the space that a ROM takes in a base address register: a power of two. */
function romSpace(rom: Uint8Array | undefined): number {
  return rom === undefined || rom.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(rom.length));
}

/** Maps memory where a base address register says; nothing where RAM or other chips are. */
function mapBacked(
  memory: PhysicalMemory,
  address: number,
  size: number,
  region: Region,
): PciMapping {
  const isFree = address >= memory.machine.ramBytes && address + size <= pciMemoryEnd;
  if (!isFree || address % pageBytes !== 0 || size % pageBytes !== 0) {
    return { release: () => undefined };
  }
  memory.map(address, size, region);
  return {
    release: () => {
      memory.unmap(address, size);
    },
  };
}
