import { DiskError } from '../error.ts';
import * as layout from './layout.ts';

/** The image that an overlay stands on, as the header names it. */
export interface BackingName {
  readonly name: string;
  /** `raw` or `qcow2`; images of old say nothing. */
  readonly format?: string;
}

/** What the header of an image says. */
export interface QcowHeader {
  readonly version: number;
  readonly clusterBits: number;
  /** The size of the disk. */
  readonly bytes: number;
  readonly l1Entries: number;
  readonly l1Offset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  readonly snapshots: number;
  readonly snapshotsOffset: number;
  /** The low word of the incompatible features. */
  readonly incompatible: number;
  /** Whether an autoclear feature is set: something that writing would leave behind. */
  readonly autoclear: boolean;
  readonly refcountOrder: number;
  readonly headerBytes: number;
  readonly backing?: BackingName;
}

/** The number of bytes at the start of an image that hold all that is read of its header. */
export const headerAreaBytes = 0x1000;

/**
 * Reads the header of an image from its first bytes; `fileBytes` is the size of the file.
 *
 * @throws DiskError `bad-image` for a header that cannot be, `unsupported` for features that are
 * not served; the message says which field at which byte.
 */
export function parseHeader(area: Uint8Array, fileBytes: number, name: string): QcowHeader {
  const reader = new FieldReader(area, name);
  if (fileBytes < layout.headerBytes2 || reader.word(0) !== layout.magic) {
    throw reader.bad('magic', 0, 'QFI\\xfb', 'something else');
  }
  const version = reader.between('version', layout.field.version, 2, 3);
  const isNew = version === 3;
  const order = isNew ? reader.between('refcount order', layout.field.refcountOrder, 0, 6) : 4;
  const [leastBits, mostBits] = layout.clusterBitsRange;
  const clusterBits = reader.between('cluster_bits', layout.field.clusterBits, leastBits, mostBits);
  const clusterBytes = 2 ** clusterBits;
  const headerBytes = isNew
    ? reader.between('header length', layout.field.headerBytes, layout.headerBytes3, clusterBytes)
    : layout.headerBytes2;
  const bits = isNew ? reader.word(layout.field.incompatible + 4) : 0;
  const compression = headerBytes > layout.field.compression ? reader.byte(104) : 0;
  refuseFeatures(reader, isNew ? reader.word(layout.field.incompatible) : 0, bits, compression);
  const bytes = reader.long('disk size', layout.field.bytes);
  const l1Entries = reader.between(
    'L1 entries',
    layout.field.l1Entries,
    Math.ceil(bytes / (clusterBytes * (clusterBytes / 8))),
    layout.maximumL1Bytes / 8,
  );
  const l1Offset = reader.table('L1 table', layout.field.l1Offset, clusterBytes, l1Entries > 0);
  reader.inFile('L1 table', layout.field.l1Offset, l1Offset + 8 * l1Entries, fileBytes);
  const tableField = layout.field.refcountTableOffset;
  const tableOffset = reader.table('refcount table', tableField, clusterBytes, true);
  const mostClusters = layout.maximumRefcountTableBytes / clusterBytes;
  const tableClusters = reader.between(
    'refcount table clusters',
    layout.field.refcountTableClusters,
    1,
    Math.max(1, mostClusters),
  );
  reader.inFile('refcount table', tableField, tableOffset + clusterBytes, fileBytes);
  const { snapshots, snapshotsOffset } = readSnapshots(reader, clusterBytes, fileBytes);
  const backing = readBacking(reader, area, headerBytes, clusterBytes);
  const autoclearAt = layout.field.autoclear;
  return {
    version,
    clusterBits,
    bytes,
    l1Entries,
    l1Offset,
    refcountTableOffset: tableOffset,
    refcountTableClusters: tableClusters,
    snapshots,
    snapshotsOffset,
    incompatible: bits,
    autoclear: isNew && (reader.word(autoclearAt) !== 0 || reader.word(autoclearAt + 4) !== 0),
    refcountOrder: order,
    headerBytes,
    ...(backing === undefined ? {} : { backing }),
  };
}

function refuseFeatures(reader: FieldReader, high: number, low: number, compression: number): void {
  const { dirty, corrupt, compression: isOther } = layout.incompatible;
  if ((low & layout.incompatible.externalData) !== 0) {
    throw reader.unsupported('an external data file', layout.field.incompatible);
  }
  if ((low & layout.incompatible.extendedL2) !== 0) {
    throw reader.unsupported('extended L2 entries', layout.field.incompatible);
  }
  const unknown = low & ~(dirty | corrupt | isOther);
  if (unknown !== 0 || high !== 0) {
    const bit = unknown === 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(unknown);
    throw reader.unsupported(`feature bit ${String(bit)}`, layout.field.incompatible);
  }
  if (compression !== 0) {
    throw reader.unsupported(`compression type ${String(compression)}`, layout.field.compression);
  }
  const encryption = reader.word(layout.field.encryption);
  if (encryption !== 0) {
    throw reader.unsupported(`encryption ${String(encryption)}`, layout.field.encryption);
  }
}

function readSnapshots(reader: FieldReader, clusterBytes: number, fileBytes: number) {
  const at = layout.field.snapshots;
  const snapshots = reader.between('snapshots', at, 0, layout.maximumSnapshots);
  const place = layout.field.snapshotsOffset;
  const snapshotsOffset =
    snapshots === 0 ? 0 : reader.table('snapshot table', place, clusterBytes, true);
  reader.inFile('snapshot table', place, snapshotsOffset, fileBytes);
  return { snapshots, snapshotsOffset };
}

function readBacking(
  reader: FieldReader,
  area: Uint8Array,
  headerBytes: number,
  clusterBytes: number,
): BackingName | undefined {
  const offset = reader.long('backing name', layout.field.backingOffset);
  if (offset === 0) return undefined;
  const at = layout.field.backingBytes;
  const bytes = reader.between('backing name length', at, 1, layout.maximumBackingName);
  const end = Math.min(clusterBytes, area.length);
  if (offset < headerBytes || offset + bytes > end) {
    const expected = `within ${String(headerBytes)}..${String(end)}`;
    throw reader.bad('backing name', layout.field.backingOffset, expected, String(offset));
  }
  const name = text(area.subarray(offset, offset + bytes));
  const format = readBackingFormat(reader, area, headerBytes, Math.min(end, offset));
  return { name, ...(format === undefined ? {} : { format }) };
}

/** Walks the header extensions up to the one that names the backing file's format. */
function readBackingFormat(
  reader: FieldReader,
  area: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  for (let at = start; at + 8 <= end;) {
    const type = reader.word(at);
    const bytes = reader.word(at + 4);
    if (type === layout.extension.end) return undefined;
    if (bytes > end - at - 8) {
      throw reader.bad('header extension', at, `at most ${String(end - at - 8)}`, String(bytes));
    }
    if (type === layout.extension.backingFormat) {
      return text(area.subarray(at + 8, at + 8 + bytes));
    }
    at += 8 + Math.ceil(bytes / 8) * 8;
  }
  return undefined;
}

function text(bytes: Uint8Array): string {
  // UTF-8 by hand: the packages know no TextDecoder.
  const escaped = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  try {
    return decodeURIComponent(escaped);
  } catch {
    return String.fromCharCode(...bytes);
  }
}

/** Reads fields with checks whose messages name the field and the byte. */
class FieldReader {
  readonly #view: DataView;
  readonly #name: string;

  constructor(area: Uint8Array, name: string) {
    const whole = new Uint8Array(headerAreaBytes);
    whole.set(area.subarray(0, headerAreaBytes));
    this.#view = new DataView(whole.buffer);
    this.#name = name;
  }

  byte(at: number): number {
    return this.#view.getUint8(at);
  }

  word(at: number): number {
    return this.#view.getUint32(at);
  }

  between(what: string, at: number, least: number, most: number): number {
    const value = this.word(at);
    if (value >= least && value <= most) return value;
    throw new DiskError(
      'bad-image',
      `${this.#name}: qcow2: ${what} ${String(value)} outside ${String(least)}..${String(most)} ` +
        `at byte ${String(at)}`,
    );
  }

  long(what: string, at: number): number {
    const value = layout.read64(this.#view, at);
    if (value < 2 ** 53) return value;
    throw this.bad(what, at, 'less than 2^53', String(value));
  }

  /** The place of a table: at the start of a cluster, and not the header's own. */
  table(what: string, at: number, clusterBytes: number, isNeeded: boolean): number {
    const value = this.long(what, at);
    if (value % clusterBytes === 0 && (value > 0 || !isNeeded)) return value;
    throw this.bad(what, at, `a multiple of ${String(clusterBytes)}`, String(value));
  }

  inFile(what: string, at: number, end: number, fileBytes: number): void {
    if (end > fileBytes) {
      throw this.bad(what, at, `an end within ${String(fileBytes)} bytes`, String(end));
    }
  }

  bad(what: string, at: number, expected: string, found: string): DiskError {
    return new DiskError(
      'bad-image',
      `${this.#name}: qcow2: ${what} at byte ${String(at)}: expected ${expected}, found ${found}`,
    );
  }

  unsupported(what: string, at: number): DiskError {
    return new DiskError(
      'unsupported',
      `${this.#name}: qcow2: ${what} (byte ${String(at)}) is not served in this version`,
    );
  }
}
