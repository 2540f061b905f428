import { MachineError } from '../error.ts';

import { bootGdt } from './boot-state.ts';
import { hex } from './image-view.ts';
import { extendedMemory } from './memory-map.ts';

/** Guest-physical memory, as far as a loader needs it. */
export interface LoaderMemory {
  /** Guest RAM in bytes. */
  readonly ramBytes: number;
  /** Copies bytes to RAM. */
  write(physical: number, source: Uint8Array): void;
  /** Fills RAM with zeros. */
  zero(physical: number, bytes: number): void;
}

/**
 * Where loaders put their own tables: the top of conventional memory, where old kernels look too.
 *
 *     0x9_0000  boot_params, or the multiboot information
 *     0x9_1000  command line, module list and memory map
 *     0x9_f800  GDT
 *     0x9_fc00  end
 */
export const LoaderArea = {
  start: 0x9_0000,
  parameters: 0x9_0000,
  text: 0x9_1000,
  textEnd: 0x9_f800,
  gdt: 0x9_f800,
  end: 0x9_fc00,
} as const;

/** A range of guest-physical memory with the name of what stands there. */
export interface Placement {
  readonly name: string;
  readonly start: number;
  /** The first byte after it. */
  readonly end: number;
}

/**
 * The stretches of memory that loaders have given away, so that nothing is put where something is.
 */
export class PlacementMap {
  readonly #ramBytes: number;
  readonly #taken: Placement[];

  /** Starts with the holes of the memory map and the loader's own tables taken. */
  constructor(ramBytes: number) {
    this.#ramBytes = ramBytes;
    this.#taken = [
      { name: "the loader's tables", start: LoaderArea.start, end: LoaderArea.end },
      { name: 'video memory and ROM', start: LoaderArea.end, end: extendedMemory },
    ];
  }

  /**
   * Takes a range.
   *
   * @throws MachineError `too-little-memory` past the end of RAM, `bad-image` where something
   * stands.
   */
  take(placement: Placement): void {
    const { name, start, end } = placement;
    if (end > this.#ramBytes) {
      throw new MachineError('too-little-memory', {
        where: name,
        expected: `memory at ${hex(start)}..${hex(end)}, at least ${megabytes(end)}`,
        found: megabytes(this.#ramBytes),
      });
    }
    const other = this.#taken.find((range) => range.start < end && start < range.end);
    if (other !== undefined && start < end) {
      throw new MachineError('bad-image', {
        where: `${name}, to be loaded at ${hex(start)}..${hex(end)}`,
        expected: 'free memory',
        found: `${other.name} at ${hex(other.start)}..${hex(other.end)}`,
      });
    }
    this.#taken.push(placement);
  }

  /** Returns the end of the highest range taken. */
  highest(): number {
    return this.#taken.reduce((highest, range) => Math.max(highest, range.end), 0);
  }
}

/** Writes the boot GDT to its place. */
export function writeBootGdt(memory: LoaderMemory): void {
  const bytes = new DataView(new ArrayBuffer(bootGdt.length * 4));
  for (const [index, word] of bootGdt.entries()) {
    bytes.setUint32(index * 4, word, true);
  }
  memory.write(LoaderArea.gdt, new Uint8Array(bytes.buffer));
}

/**
 * Returns a command line as bytes with the closing zero, UTF-8 as Linux shows it.
 *
 * @throws MachineError `bad-option` when it is longer than `limit` or has a zero within.
 */
export function encodeCommandLine(text: string, limit: number): Uint8Array {
  const encoded = encodeUtf8(text);
  if (encoded.length > limit) {
    throw new MachineError('bad-option', {
      where: 'kernel command line',
      expected: `at most ${String(limit)} bytes`,
      found: String(encoded.length),
    });
  }
  if (encoded.includes(0)) {
    throw new MachineError('bad-option', {
      where: 'kernel command line',
      expected: 'text',
      found: `a zero at byte ${String(encoded.indexOf(0))}`,
    });
  }
  const closed = new Uint8Array(encoded.length + 1);
  closed.set(encoded);
  return closed;
}

/** Rounds up to a multiple of a power of two. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** Writes a size for a message, as `12.5 MiB`. */
export function megabytes(bytes: number): string {
  return `${String(Math.ceil((bytes / 0x10_0000) * 100) / 100)} MiB`;
}

/** The most that any command line can have: what stays of the loader's area. */
export const commandLineSpace: number = LoaderArea.textEnd - LoaderArea.text;

function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const lone = code >= 0xd800 && code < 0xe000;
    const point = lone ? 0xfffd : code;
    if (point < 0x80) {
      bytes.push(point);
    } else if (point < 0x800) {
      bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    } else if (point < 0x1_0000) {
      bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    } else {
      const tail = [12, 6, 0].map((shift) => 0x80 | ((point >> shift) & 63));
      bytes.push(0xf0 | (point >> 18), ...tail);
    }
  }
  return Uint8Array.from(bytes);
}
