/*
 * A patch says how one byte block differs from another: a number of runs, each with the distance
 * from the end of the run before, its length, and its bytes. Numbers are LEB128.
 */

/** Unchanged bytes between two changes up to which one run is shorter than two. */
const MERGE = 2;

/** Appends bytes and variable-length numbers to a growing buffer. */
export class ByteWriter {
  private buffer = new Uint8Array(65536);
  private length = 0;

  byte(value: number): void {
    if (this.length === this.buffer.length) {
      const larger = new Uint8Array(this.buffer.length * 2);
      larger.set(this.buffer);
      this.buffer = larger;
    }
    this.buffer[this.length++] = value;
  }

  bytes(values: Uint8Array): void {
    for (const value of values) this.byte(value);
  }

  /** An unsigned number of up to 32 bits as LEB128. */
  number(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** How `after` differs from `before`. */
  patch(before: Uint8Array, after: Uint8Array): void {
    const runs = findRuns(before, after);
    this.number(runs.length);
    let last = 0;
    for (const [start, end] of runs) {
      this.number(start - last);
      this.number(end - start);
      this.bytes(after.subarray(start, end));
      last = end;
    }
  }

  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }
}

/** Reads what {@link ByteWriter} wrote; throws RangeError behind the end. */
export class ByteReader {
  private readonly buffer: Uint8Array;
  private at: number;

  constructor(buffer: Uint8Array, at: number = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  get atEnd(): boolean {
    return this.at >= this.buffer.length;
  }

  byte(): number {
    const value = this.buffer[this.at++];
    if (value === undefined) throw new RangeError(`vectors: data ends at byte ${this.at - 1}`);
    return value;
  }

  bytes(length: number): Uint8Array {
    if (this.at + length > this.buffer.length) {
      throw new RangeError(`vectors: data ends inside ${length} bytes at byte ${this.at}`);
    }
    this.at += length;
    return this.buffer.slice(this.at - length, this.at);
  }

  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = this.byte();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value >>> 0;
    }
    throw new RangeError(`vectors: number is too long at byte ${this.at}`);
  }

  /** Changes `target` as the patch says. */
  patch(target: Uint8Array): void {
    const count = this.number();
    let at = 0;
    for (let i = 0; i < count; i++) {
      at += this.number();
      const bytes = this.bytes(this.number());
      target.set(bytes, at);
      at += bytes.length;
    }
  }
}

function findRuns(before: Uint8Array, after: Uint8Array): [start: number, end: number][] {
  const runs: [number, number][] = [];
  for (let at = 0; at < after.length; at++) {
    if (before[at] === after[at]) continue;
    const last = runs.at(-1);
    if (last !== undefined && at - last[1] <= MERGE) last[1] = at + 1;
    else runs.push([at, at + 1]);
  }
  return runs;
}
