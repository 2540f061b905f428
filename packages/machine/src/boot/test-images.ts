import type { LoaderMemory } from './loader-memory.ts';

/** Memory that remembers what was written, for loaders' tests. */
export class TestLoaderMemory implements LoaderMemory {
  readonly ramBytes: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  written: number = 0;

  constructor(ramBytes: number) {
    this.ramBytes = ramBytes;
    this.bytes = new Uint8Array(ramBytes).fill(0xcc);
  }

  write(physical: number, source: Uint8Array): void {
    this.#check(physical, source.length);
    this.bytes.set(source, physical);
    this.written += source.length;
  }

  zero(physical: number, bytes: number): void {
    this.#check(physical, bytes);
    this.bytes.fill(0, physical, physical + bytes);
    this.written += bytes;
  }

  u32(physical: number): number {
    return new DataView(this.bytes.buffer).getUint32(physical, true);
  }

  u16(physical: number): number {
    return new DataView(this.bytes.buffer).getUint16(physical, true);
  }

  text(physical: number): string {
    const end = this.bytes.indexOf(0, physical);
    return String.fromCharCode(...this.bytes.subarray(physical, end));
  }

  #check(physical: number, bytes: number): void {
    const hole = physical < 0x10_0000 && physical + bytes > 0x9_fc00 && bytes > 0;
    if (physical < 0 || physical + bytes > this.ramBytes || hole) {
      throw new Error(`loader wrote outside RAM: ${String(bytes)} bytes at ${String(physical)}`);
    }
  }
}

/** Fields of a made-up Linux kernel image; the defaults are those of a Debian kernel for 686. */
export interface TestLinuxFields {
  readonly version?: number;
  readonly codeBytes?: number;
  readonly loadFlags?: number;
  readonly initrdMaximum?: number;
  readonly alignment?: number;
  readonly relocatable?: number;
  readonly minimumAlignment?: number;
  readonly extendedLoadFlags?: number;
  readonly commandLineSize?: number;
  readonly preferredAddress?: number;
  readonly initSize?: number;
}

/** Returns a Linux kernel image whose code is the bytes 1, 2, 3, ... */
export function makeLinux(fields: TestLinuxFields = {}): Uint8Array<ArrayBuffer> {
  const codeBytes = fields.codeBytes ?? 0x4000;
  const image = new DataView(new ArrayBuffer(1024 * 2 + codeBytes));
  image.setUint8(0x1f1, 3);
  image.setUint32(0x1f4, Math.ceil(codeBytes / 16), true);
  image.setUint16(0x1fe, 0xaa55, true);
  image.setUint16(0x200, 0x6aeb, true);
  image.setUint32(0x202, 0x5372_6448, true);
  image.setUint16(0x206, fields.version ?? 0x20f, true);
  image.setUint8(0x211, fields.loadFlags ?? 1);
  image.setUint32(0x22c, fields.initrdMaximum ?? 0x37ff_ffff, true);
  image.setUint32(0x230, fields.alignment ?? 0x100_0000, true);
  image.setUint8(0x234, fields.relocatable ?? 1);
  image.setUint8(0x235, fields.minimumAlignment ?? 13);
  image.setUint16(0x236, fields.extendedLoadFlags ?? 0, true);
  image.setUint32(0x238, fields.commandLineSize ?? 2047, true);
  image.setUint32(0x258, fields.preferredAddress ?? 0x100_0000, true);
  image.setUint32(0x260, fields.initSize ?? 0x60_0000, true);
  const bytes = new Uint8Array(image.buffer);
  for (let index = 0; index < codeBytes; index += 1) {
    bytes[2048 + index] = index + 1;
  }
  return bytes;
}

/** A segment of a made-up ELF file. */
export interface TestSegment {
  readonly physical: number;
  readonly virtual?: number;
  readonly content: readonly number[];
  readonly memoryBytes?: number;
  readonly type?: number;
}

/** Returns an ELF32 executable; segments' contents follow the headers. */
export function makeElf(entry: number, segments: readonly TestSegment[]): Uint8Array<ArrayBuffer> {
  const headers = 52 + 32 * segments.length;
  const total = segments.reduce((sum, segment) => sum + segment.content.length, headers);
  const elf = new DataView(new ArrayBuffer(total));
  const bytes = new Uint8Array(elf.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  elf.setUint16(16, 2, true);
  elf.setUint16(18, 3, true);
  elf.setUint32(20, 1, true);
  elf.setUint32(24, entry, true);
  elf.setUint32(28, 52, true);
  elf.setUint16(40, 52, true);
  elf.setUint16(42, 32, true);
  elf.setUint16(44, segments.length, true);
  let offset = headers;
  for (const [index, segment] of segments.entries()) {
    const words = [
      segment.type ?? 1,
      offset,
      segment.virtual ?? segment.physical,
      segment.physical,
      segment.content.length,
      segment.memoryBytes ?? segment.content.length,
      7,
      4,
    ];
    for (const [word, value] of words.entries()) {
      elf.setUint32(52 + index * 32 + word * 4, value, true);
    }
    bytes.set(segment.content, offset);
    offset += segment.content.length;
  }
  return bytes;
}

/** Returns a multiboot header as bytes; `addresses` are header, load, load end, bss end, entry. */
export function multibootHeader(flags: number, addresses: readonly number[] = []): number[] {
  const words = [0x1bad_b002, flags, -(0x1bad_b002 + flags) >>> 0, ...addresses];
  return [...new Uint8Array(Uint32Array.from(words).buffer)];
}

/** Returns a reproducible source of numbers in 0..2^32 - 1 (xorshift32). */
export function numbersFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
