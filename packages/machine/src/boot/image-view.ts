import { MachineError } from '../error.ts';

/** The bytes of a file with its role, read with every bound checked. */
export class ImageView {
  /** What the file is for, such as `kernel`; error messages begin with it. */
  readonly role: string;
  /** The whole file. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  /** Wraps a file's bytes. */
  constructor(role: string, bytes: Uint8Array) {
    this.role = role;
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Reads a byte. @throws MachineError `bad-image` past the end of the file; so do the others. */
  u8(offset: number): number {
    this.need(offset, 1, 'one byte');
    return this.#view.getUint8(offset);
  }

  /** Reads 16 bits, little-endian. */
  u16(offset: number): number {
    this.need(offset, 2, 'two bytes');
    return this.#view.getUint16(offset, true);
  }

  /** Reads 32 bits, little-endian, unsigned. */
  u32(offset: number): number {
    this.need(offset, 4, 'four bytes');
    return this.#view.getUint32(offset, true);
  }

  /** Returns a view of part of the file; `what` says what it should be. */
  part(offset: number, count: number, what: string): Uint8Array {
    this.need(offset, count, what);
    return this.bytes.subarray(offset, offset + count);
  }

  /** Checks that a part is within the file. */
  need(offset: number, count: number, what: string): void {
    if (offset + count > this.bytes.length) {
      throw this.bad(
        offset,
        `${what} (${String(count)} bytes)`,
        `the end of the file at byte ${hex(this.bytes.length)}`,
      );
    }
  }

  /** Makes the error for something wrong at a byte of the file. */
  bad(offset: number, expected: string, found: string): MachineError {
    const where = `${this.role} at byte ${hex(offset)}`;
    return new MachineError('bad-image', { where, expected, found });
  }

  /** Makes the error for something right that this version cannot serve. */
  unsupported(offset: number, expected: string, found: string): MachineError {
    const where = `${this.role} at byte ${hex(offset)}`;
    return new MachineError('unsupported', { where, expected, found });
  }
}

/** Writes a number in hexadecimal, as `0x1f1`. */
export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
