/** Bytes that somebody wants to hear of when they are written, whether or not they are decoded. */
export class WatchedBytes {
  /** One flag for each byte, by page. */
  private readonly flags = new Map<number, Uint8Array>();

  /** Watches `length` bytes of a page. */
  add(page: number, offset: number, length: number): void {
    let bytes = this.flags.get(page);
    if (bytes === undefined) {
      bytes = new Uint8Array(4096);
      this.flags.set(page, bytes);
    }
    bytes.fill(1, offset, offset + length);
  }

  /** Watches no byte of a page any more. */
  drop(page: number): void {
    this.flags.delete(page);
  }

  /** Whether any byte of a page is watched. */
  has(page: number): boolean {
    return this.flags.has(page);
  }

  /** Whether one of `size` bytes of a page is watched. */
  hits(page: number, first: number, size: number): boolean {
    const bytes = this.flags.get(page);
    if (bytes === undefined) return false;
    for (let offset = first; offset < first + size; offset += 1) {
      if (bytes[offset] === 1) return true;
    }
    return false;
  }
}
