/** Reads the bytes of a WebAssembly module in order (Core Specification 2.0, chapter 5). */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the next byte is. */
  position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
  }

  /** Whether there is nothing left. */
  get atEnd(): boolean {
    return this.position >= this.#bytes.length;
  }

  /** One byte; 0 past the end. */
  byte(): number {
    return this.#bytes[this.position++] ?? 0;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  unsigned(): number {
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      result += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return result;
  }

  /** A signed LEB128 number of at most 64 bits. */
  signed(): bigint {
    let result = 0n;
    let shift = 0n;
    for (let byte = 0x80; byte >= 0x80 && shift < 70n; shift += 7n) {
      byte = this.byte();
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80 && (byte & 0x40) !== 0) result -= 1n << (shift + 7n);
    }
    return BigInt.asIntN(64, result);
  }

  /** A float of 32 bits. */
  f32(): number {
    this.position += 4;
    return this.#view.getFloat32(this.position - 4, true);
  }

  /** A float of 64 bits. */
  f64(): number {
    this.position += 8;
    return this.#view.getFloat64(this.position - 8, true);
  }

  /** `count` bytes, not copied. */
  bytes(count: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.position, this.position + count);
    this.position += count;
    return bytes;
  }

  /** `count` bytes in hexadecimal. */
  hex(count: number): string {
    return [...this.bytes(count)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  }

  /** A name; names are ASCII here. */
  name(): string {
    return String.fromCharCode(...this.bytes(this.unsigned()));
  }

  /** A vector: a count and as many items. */
  vector<T>(item: (index: number) => T): T[] {
    return Array.from({ length: this.unsigned() }, (_, index) => item(index));
  }
}
