import { type ByteStore, refuseWrite, type Soon } from './byte-store.ts';
import { DiskError } from './error.ts';

/** The part of the Fetch standard that a store over HTTP uses. */
export type Fetch = (
  url: string,
  init: { readonly headers: Readonly<Record<string, string>> },
) => Promise<FetchResponse>;

/** The part of a response that a store over HTTP uses. */
export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What a store over HTTP can be told. */
export interface HttpStoreOptions {
  readonly fetch: Fetch;
  /** The bytes that are fetched, and kept, as one; 256 KiB by default. */
  readonly pieceBytes?: number;
  /** The most bytes that are kept; 64 MiB by default. */
  readonly keptBytes?: number;
}

/** How often a request is made before the read fails. */
const mostTries = 3;
/** The most bytes of one request. */
const mostRequestBytes = 0x40_0000;

/**
 * An image behind a URL, of which only what is read is fetched, by range requests (RFC 9110,
 * section 14); it can only be read. An overlay over it takes what the guest writes.
 */
export class HttpStore implements ByteStore {
  readonly name: string;
  readonly readOnly = true;
  readonly size: number;
  readonly #fetch: Fetch;
  readonly #pieceBytes: number;
  readonly #mostPieces: number;
  readonly #version: string | null;
  /** By index; the order is that of the last use. */
  readonly #pieces = new Map<number, Uint8Array>();

  private constructor(
    url: string,
    options: HttpStoreOptions,
    size: number,
    version: string | null,
  ) {
    const { pieceBytes = 0x4_0000, keptBytes = 0x400_0000 } = options;
    this.name = url;
    this.size = size;
    this.#fetch = options.fetch;
    this.#pieceBytes = pieceBytes;
    this.#mostPieces = Math.max(1, Math.ceil(keptBytes / pieceBytes));
    this.#version = version;
  }

  /**
   * Asks a server for an image.
   *
   * @throws DiskError `io` when it cannot be had, `unsupported` from a server without ranges.
   */
  static async open(url: string, options: HttpStoreOptions): Promise<HttpStore> {
    const response = await request(options.fetch, url, 0, 0);
    const total = /^bytes \d+-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
    if (response.status === 200 || total === undefined) {
      throw new DiskError('unsupported', `${url}: the server does not serve ranges of bytes`);
    }
    return new HttpStore(url, options, Number(total), versionOf(response));
  }

  read(offset: number, target: Uint8Array): Soon {
    const last = Math.min(offset + target.length, this.size) - 1;
    const firstPiece = Math.floor(offset / this.#pieceBytes);
    const lastPiece = Math.floor(last / this.#pieceBytes);
    for (let piece = firstPiece; piece <= lastPiece; piece += 1) {
      if (!this.#pieces.has(piece)) return this.#readLate(offset, target, firstPiece, lastPiece);
    }
    for (let piece = firstPiece; piece <= lastPiece; piece += 1) {
      const bytes = this.#pieces.get(piece);
      if (bytes !== undefined) this.#use(piece, bytes, offset, target);
    }
    target.fill(0, Math.max(0, Math.min(target.length, this.size - offset)));
    return undefined;
  }

  write(): Soon {
    throw refuseWrite(this);
  }

  flush(): Soon {
    return undefined;
  }

  close(): Soon {
    this.#pieces.clear();
    return undefined;
  }

  async #readLate(
    offset: number,
    target: Uint8Array,
    firstPiece: number,
    lastPiece: number,
  ): Promise<void> {
    const atOnce = Math.max(1, Math.floor(mostRequestBytes / this.#pieceBytes));
    for (let piece = firstPiece; piece <= lastPiece;) {
      const found = this.#pieces.get(piece);
      if (found !== undefined) {
        this.#use(piece, found, offset, target);
        piece += 1;
        continue;
      }
      let end = piece + 1;
      while (end <= lastPiece && end - piece < atOnce && !this.#pieces.has(end)) end += 1;
      const bytes = await this.#load(piece, end);
      this.#split(piece, end, bytes, offset, target);
      piece = end;
    }
    target.fill(0, Math.max(0, Math.min(target.length, this.size - offset)));
  }

  #split(first: number, end: number, bytes: Uint8Array, offset: number, target: Uint8Array): void {
    for (let piece = first; piece < end; piece += 1) {
      const at = (piece - first) * this.#pieceBytes;
      this.#use(piece, bytes.slice(at, at + this.#pieceBytes), offset, target);
    }
  }

  /** Copies what a piece has of a read, and keeps it as the one that was used last. */
  #use(piece: number, bytes: Uint8Array, offset: number, target: Uint8Array): void {
    const start = piece * this.#pieceBytes;
    const from = Math.max(0, offset - start);
    const to = Math.min(bytes.length, offset + target.length - start);
    target.set(bytes.subarray(from, to), start + from - offset);
    this.#pieces.delete(piece);
    this.#pieces.set(piece, bytes);
    for (const oldest of this.#pieces.keys()) {
      if (this.#pieces.size <= this.#mostPieces) break;
      this.#pieces.delete(oldest);
    }
  }

  async #load(first: number, end: number): Promise<Uint8Array> {
    const start = first * this.#pieceBytes;
    const last = Math.min(end * this.#pieceBytes, this.size) - 1;
    const response = await request(this.#fetch, this.name, start, last);
    if (versionOf(response) !== this.#version) {
      throw new DiskError('io', `${this.name}: changed while it was in use`);
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (response.status !== 206 || bytes.length !== last - start + 1) {
      const found = `${String(bytes.length)} bytes with status ${String(response.status)}`;
      const expected = `${String(last - start + 1)} at ${String(start)}`;
      throw new DiskError('io', `${this.name}: expected ${expected}, found ${found}`);
    }
    return bytes;
  }
}

/** Makes a range request, some times over where the connection fails. */
async function request(
  fetch: Fetch,
  url: string,
  first: number,
  last: number,
): Promise<FetchResponse> {
  const headers = { Range: `bytes=${String(first)}-${String(last)}` };
  let fault = '';
  for (let tries = 0; tries < mostTries; tries += 1) {
    try {
      const response = await fetch(url, { headers });
      if (response.status < 500) {
        if (response.status === 200 || response.status === 206) return response;
        throw new DiskError('io', `${url}: the server answers ${String(response.status)}`);
      }
      fault = `the server answers ${String(response.status)}`;
    } catch (error) {
      if (error instanceof DiskError) throw error;
      fault = error instanceof Error ? error.message : String(error);
    }
  }
  throw new DiskError('io', `${url}: ${fault}`);
}

function versionOf(response: FetchResponse): string | null {
  return response.headers.get('etag') ?? response.headers.get('last-modified');
}
