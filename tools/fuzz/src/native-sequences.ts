/**
 * Sequences of instructions against the processor of this machine: of integer ones in a loop of
 * three rounds, and of x87, MMX and SSE ones with special values and any control word. All
 * registers, flags and memory are compared, what manuals leave undefined too.
 *
 * What processors do differently by design is left out: transcendentals and approximations. The
 * processor must have what the model `max` has.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeInto, Instruction } from '@ringfence/decoder';
import { FORMS, Location } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { encode, isLater, Random } from './cases.ts';
import { recordBytes, runHere, type SequencePart } from './native-sequence-bench.ts';

const source = fileURLToPath(new URL('../native/sequences.c', import.meta.url));
const resultBytes = 48 + 512 + 256;
const [codeAt, memoryAt, imageAt] = [4, 256, 512];
const longestCode = 190;

const floatFeature = /FPU|287|387|MMX|SSE|AES|PCLM|SHA/;
const notFloat = /^(FX[SR]|FSIN|FCOS|FPTAN|FPATAN|F2XM1|FYL2X|RCP|RSQRT|MASKMOV|.FENCE|CLF|PREF)/;
const notInteger = new RegExp(
  '^(HLT|RD|CPUID|CLTS|L[GIL]DT|LMSW|IN$|OUT|INS|INT|IRET|SYS|CL[IZ]|STI|INV|WB|WR|LTR|VM|X[SRG]|UD|RSM|' +
    'M(ONITOR|WAIT)|CLAC|STAC|L[DEFGS]S|SLDT|STR$|SMSW|S[GI]DT|SWAPGS|STGI|CLGI|SKINIT|POP[AF]|' +
    'ENTER|LEAVE|BOUND|CLFLUSH|PREFETCH|WAIT|LAR|LSL|VER|ARPL|LOOP|J|XLAT|BT[SRC]?$|' +
    'MOVS|CMPS|STOS|LODS|SCAS)',
);
const usesSpecial = (form: Form): boolean =>
  form.operands.some(({ text }) => /Sw|^[CDEFGS]S$|Cd|Dd|^O|^M[pa]/.test(text)) ||
  (form.map === 1 && (form.opcode & 0xf8) === 0x20);
const usable = FORMS.filter(
  (form) => form.legacy && form.flow === 'next' && !usesSpecial(form) && !isLater(form),
);
const floats = usable.filter((f) => floatFeature.test(f.feature) && !notFloat.test(f.mnemonic));
const x87 = floats.filter((form) => /FPU|287|387/.test(form.feature));
const integers = usable.filter(
  (form) =>
    !floatFeature.test(form.feature) &&
    form.feature !== 'FXSR' &&
    !notInteger.test(form.mnemonic) &&
    !(form.map === 0 && form.opcode === 0x8d),
);

/** Registers that sequences write: neither EBX, ECX nor ESP, nor parts of them. */
const written = [0, 0, 2, 0, 2, 6, 6, 2] as const;
const isGeneral = (form: Form, location: number): boolean =>
  form.operands.some(
    (operand) =>
      operand.location === location ||
      (location === Location.rmGpr && operand.location === Location.rmGprOnly),
  );
const isPrefix = (byte: number | undefined): boolean =>
  byte === 0x66 || byte === 0xf2 || byte === 0xf3;
/** Of segments and addresses, and LOCK. */
const otherPrefixes = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67, 0xf0];

/** One instruction of a form with memory at EBX and the registers that may be written. */
function instruction(random: Random, form: Form): number[] | undefined {
  const bytes = [...(encode(random, form, 'flat3') ?? [])];
  let at = 0;
  while (isPrefix(bytes[at])) at += 1;
  if (otherPrefixes.includes(bytes[at] ?? 0xf0)) return undefined;
  at += form.vex !== '' ? 3 : form.map === 0 ? 0 : form.map === 1 ? 1 : 2;
  if (isGeneral(form, Location.vexGpr)) {
    const fields = bytes[at - 1] ?? 0;
    bytes[at - 1] = (fields & 0x87) | ((~(written[(~fields >> 3) & 7] ?? 0) << 3) & 0x78);
  }
  if (form.opcodeRegister) {
    bytes[at] = ((bytes[at] ?? 0) & 0xf8) | (written[(bytes[at] ?? 0) & 7] ?? 0);
  }
  if (form.hasModrm) {
    const modrm = bytes[at + 1] ?? 0;
    const field = (modrm >> 3) & 7;
    const reg = isGeneral(form, Location.regGpr) ? (written[field] ?? 0) : field;
    const rm = isGeneral(form, Location.rmGpr) ? (written[modrm & 7] ?? 0) : modrm & 7;
    if (modrm >> 6 === 3) bytes[at + 1] = 0xc0 | (reg << 3) | rm;
    else {
      const immediate = bytes.slice(-4);
      bytes.splice(at + 1, bytes.length, 0x43 | (reg << 3), 16 * random.below(8), ...immediate);
    }
  }
  const found = new Instruction();
  const window = Uint8Array.from([...bytes, ...new Array<number>(16).fill(0)]);
  const length = decodeInto(found, window, 0, 15, 32);
  return length > 0 && FORMS[found.form] === form ? bytes.slice(0, length) : undefined;
}

/** The record of a seed, as native/sequences.c reads it. */
export function sequenceRecord(seed: number): Uint8Array {
  const random = new Random(seed);
  const record = new Uint8Array(recordBytes);
  const view = new DataView(record.buffer);
  const isFloat = random.chance(50);
  const list = isFloat ? (random.chance(60) ? x87 : floats) : integers;
  const code: number[] = [];
  for (let left = 1 + random.below(isFloat ? 10 : 24); left > 0 && code.length < longestCode;) {
    const bytes = instruction(random, random.pick(list));
    if (bytes === undefined) continue;
    code.push(...bytes);
    left -= 1;
  }
  if (!isFloat) {
    // DEC ECX, JNE to the beginning.
    const back = new Uint8Array(Int32Array.of(-(code.length + 7)).buffer);
    code.push(0x49, 0x0f, 0x85, ...back);
  }
  view.setUint32(0, code.length, true);
  record.set(code, codeAt);
  for (let offset = 0; offset < 256; offset += 16) special(random, view, memoryAt + offset);
  view.setUint16(imageAt, random.chance(60) ? 0x37f : 0x40 | (random.next() & 0xf3f), true);
  const conditions = (random.below(8) << 11) | (random.next() & 0x4700);
  view.setUint16(imageAt + 2, random.chance(50) ? 0 : conditions, true);
  view.setUint8(imageAt + 4, random.pick([0, 0xff, random.below(256)]));
  view.setUint32(imageAt + 24, random.chance(60) ? 0x1f80 : random.next() & 0xffc0, true);
  for (let register = 0; register < 16; register += 1) {
    special(random, view, imageAt + 32 + 16 * register);
    if (register < 8) record.fill(0, imageAt + 42 + 16 * register, imageAt + 48 + 16 * register);
  }
  return record;
}

/** 16 bytes that begin with a number of 80 bits of some class, or are four of 32 bits. */
function special(random: Random, view: DataView, at: number): void {
  const words = [0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001, 1, 0x8000_0000, 0x3f80_0000];
  for (let word = 0; word < 4; word += 1) {
    const value = random.chance(30) ? random.pick(words) : random.next();
    view.setUint32(at + 4 * word, value, true);
  }
  if (random.chance(40)) return;
  const exponents = [0, 0x7fff, 0x7ffe, 1, 0x3fff + random.below(70), random.below(0x7fff)];
  const high = random.pick([0, 0x8000_0000, 0xc000_0000, random.next() | 0x8000_0000]);
  if (random.chance(50)) view.setUint32(at, 0, true);
  view.setUint32(at + 4, high >>> 0, true);
  view.setUint16(at + 8, random.pick(exponents) | (random.chance(50) ? 0x8000 : 0), true);
}

/** A sum over what a sequence came to, for each of those from a seed on, on the processor here. */
export function nativeSums(seed: number, count: number): number[] {
  const records = Array.from({ length: count }, (_, index) => sequenceRecord(seed + index));
  const native = runNativeSequences(records);
  return runHere(records, 'interpreter').map((parts, index) => {
    const other = native.subarray(index * resultBytes);
    return sumOf(
      parts.map((part) => ({
        ...part,
        bytes: other.subarray(part.at, part.at + part.bytes.length),
      })),
    );
  });
}

/** The same in a tier. */
export function sequenceSums(
  seed: number,
  count: number,
  accel: 'interpreter' | 'translator',
): number[] {
  const records = Array.from({ length: count }, (_, index) => sequenceRecord(seed + index));
  return runHere(records, accel).map(sumOf);
}

function sumOf(parts: readonly SequencePart[]): number {
  let sum = 0;
  for (const { bytes, mask } of parts) {
    bytes.forEach((byte, index) => {
      const kept = mask === undefined ? 0xff : mask >>> (8 * index);
      sum = (Math.imul(sum, 31) + (byte & kept)) | 0;
    });
  }
  return sum;
}

/** Runs sequences there and here; returns a line for each that differs. */
export function compareSequences(
  seed: number,
  count: number,
  accel: 'interpreter' | 'translator',
): string[] {
  const records = Array.from({ length: count }, (_, index) => sequenceRecord(seed + index));
  const native = runNativeSequences(records);
  const here = runHere(records, accel);
  return records.flatMap((record, index) => {
    const [one, other] = [here[index], native.subarray(index * resultBytes)];
    const parts = one?.filter((part) => differs(part, other));
    if (parts?.length === 0) return [];
    const text = parts?.map(({ name, at, bytes }) => {
      const hex = (found: Uint8Array): string => Buffer.from(found).toString('hex').slice(0, 40);
      return `${name} ${hex(bytes)} ${hex(other.subarray(at, at + bytes.length))}`;
    });
    const length = new DataView(record.buffer).getUint32(0, true);
    const code = Buffer.from(record.subarray(codeAt, codeAt + length)).toString('hex');
    return [`${seed + index} ${code}: ${text?.join('; ') ?? 'no result'}`];
  });
}

function differs({ at, bytes, mask }: SequencePart, other: Buffer): boolean {
  if (mask === undefined) return !other.subarray(at, at + bytes.length).equals(bytes);
  return ((Buffer.from(bytes).readInt32LE() ^ other.readInt32LE(at)) & mask) !== 0;
}

function runNativeSequences(records: readonly Uint8Array[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  try {
    const program = join(folder, 'sequences');
    const flags = ['-m32', '-static', '-no-pie', '-fno-pie', '-O1', '-o', program, source];
    const built = spawnSync('gcc', flags);
    if (built.status !== 0) throw new Error(`gcc: ${built.stderr.toString()}`);
    const input = Buffer.concat([new Uint8Array(Int32Array.of(records.length).buffer), ...records]);
    const done = spawnSync(program, [], { input, maxBuffer: 1 << 30 });
    if (done.stdout.length !== records.length * resultBytes) {
      throw new Error(`sequences: ended with ${String(done.status ?? done.signal)}`);
    }
    return done.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
