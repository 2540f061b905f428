import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { MachineState, baseState } from './machine-state.ts';
import { ByteReader, ByteWriter } from './patch.ts';

/** A processor exception that the instruction ended in. */
export interface VectorFault {
  /** Number of the exception (SDM vol. 3A, table 6-1). */
  readonly vector: number;
  /** Error code, 0 where the exception has none. */
  readonly error: number;
  /** CR2 of a page fault, else 0. */
  readonly address: number;
}

/** Bytes of memory in the window that no manual defines, such as the pointers in an FSAVE image. */
export interface IgnoredBytes {
  readonly offset: number;
  readonly length: number;
}

/** One instruction that the processor ran: the state before, the state after. */
export interface VectorCase {
  /** Key of the form, see {@link formKey}. */
  readonly form: string;
  /** Position in its file, to name a case that fails. */
  readonly number: number;
  readonly code: Uint8Array;
  readonly before: MachineState;
  readonly after: MachineState;
  /** The exception, or undefined where the instruction completed. */
  readonly fault: VectorFault | undefined;
  /** Bits of EFLAGS that the manuals define for this case. */
  readonly flagsMask: number;
  /** Bits of the x87 status word that the manuals define for this case. */
  readonly statusMask: number;
  readonly ignored: readonly IgnoredBytes[];
}

/** A case as it is stored: the states are what `seed` gives, patched. */
export interface StoredCase extends Omit<VectorCase, 'number'> {
  readonly seed: number;
}

/** What a file says about itself. */
export interface VectorHeader {
  readonly format: 1;
  /** Bits of the code: 32. */
  readonly bits: number;
  /** The processor that ran the cases. */
  readonly processor: string;
  /** Keys of the forms, by the numbers that the cases use. */
  readonly forms: readonly string[];
}

const NO_FAULT = 0xff;

/** Packs cases: a length, the header as JSON, the cases; all of it compressed. */
export function packVectors(header: VectorHeader, cases: readonly StoredCase[]): Uint8Array {
  const writer = new ByteWriter();
  const text = new TextEncoder().encode(JSON.stringify(header));
  writer.number(text.length);
  writer.bytes(text);
  const numbers = new Map(header.forms.map((key, number) => [key, number]));
  for (const stored of cases) {
    const number = numbers.get(stored.form);
    if (number === undefined) throw new Error(`vectors: ${stored.form} is not in the header`);
    writer.number(number);
    writer.number(stored.seed);
    writer.byte(stored.code.length);
    writer.bytes(stored.code);
    writer.byte(stored.fault?.vector ?? NO_FAULT);
    if (stored.fault !== undefined) {
      writer.number(stored.fault.error);
      writer.number(stored.fault.address);
    }
    writer.number(stored.flagsMask);
    writer.number(stored.statusMask);
    writer.number(stored.ignored.length);
    for (const { offset, length } of stored.ignored) {
      writer.number(offset);
      writer.number(length);
    }
    writer.patch(baseState(stored.seed).bytes, stored.before.bytes);
    writer.patch(stored.before.bytes, stored.after.bytes);
  }
  return gzipSync(writer.finish(), { level: 9 });
}

/** Reads the header of a vector file: a path, or the bytes of the file. */
export function readHeader(file: string | Uint8Array): VectorHeader {
  return unpack(file).header;
}

/** Reads the cases of a vector file, one after the other: a path, or the bytes of the file. */
export function* readVectors(file: string | Uint8Array): Iterable<VectorCase> {
  const { header, reader } = unpack(file);
  for (let number = 0; !reader.atEnd; number++) {
    const form = header.forms[reader.number()];
    if (form === undefined) throw new RangeError(`vectors: unknown form in case ${number}`);
    const seed = reader.number();
    const code = reader.bytes(reader.byte());
    const vector = reader.byte();
    const fault =
      vector === NO_FAULT
        ? undefined
        : { vector, error: reader.number(), address: reader.number() };
    const flagsMask = reader.number();
    const statusMask = reader.number();
    const ignored = Array.from({ length: reader.number() }, () => ({
      offset: reader.number(),
      length: reader.number(),
    }));
    const before = baseState(seed);
    reader.patch(before.bytes);
    const after = new MachineState(before.bytes.slice());
    reader.patch(after.bytes);
    yield { form, number, code, before, after, fault, flagsMask, statusMask, ignored };
  }
}

function unpack(file: string | Uint8Array): { header: VectorHeader; reader: ByteReader } {
  const data = gunzipSync(typeof file === 'string' ? readFileSync(file) : file);
  const reader = new ByteReader(data);
  const text = new TextDecoder().decode(reader.bytes(reader.number()));
  const header: unknown = JSON.parse(text);
  if (typeof header !== 'object' || header === null || !('format' in header)) {
    throw new Error('vectors: the header is no object with a format');
  }
  if (header.format !== 1) throw new Error(`vectors: format ${String(header.format)}, expected 1`);
  // packVectors wrote it with this format number.
  return { header: header as VectorHeader, reader };
}
