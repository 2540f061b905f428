/** Batches of instruction bytes for the comparison with iced-x86, the same on every run. */
import { STRIDE } from './test-iced.ts';

/** Instructions of a whole run: every opcode map, opcode, ModRM byte and mandatory prefix once. */
export const RUN_LENGTH: number = 4 * 256 * 256 * 4;

const BATCH = 1 << 14;
const MANDATORY: readonly (readonly number[])[] = [[], [0x66], [0xf3], [0xf2]];
const SEGMENTS: readonly number[] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

/** A xorshift generator: the same numbers for the same seed. */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function fill(data: Uint8Array, random: () => number): void {
  for (let i = 0; i < data.length; i += 4) {
    const value = random();
    data[i] = value;
    data[i + 1] = value >>> 8;
    data[i + 2] = value >>> 16;
    data[i + 3] = value >>> 24;
  }
}

/** Calls `use` with batches of random bytes, {@link RUN_LENGTH} instructions in all. */
export function randomBatches(seed: number, use: (data: Uint8Array) => void): void {
  const random = randomSource(seed);
  const data = new Uint8Array(BATCH * STRIDE);
  for (let done = 0; done < RUN_LENGTH; done += BATCH) {
    fill(data, random);
    use(data);
  }
}

/**
 * Calls `use` with batches in which every opcode map, opcode, ModRM byte and mandatory prefix comes
 * once, under changing 67, LOCK, segment and (in 64-bit code) REX prefixes, before random bytes;
 * then some with VEX prefixes.
 */
export function structuredBatches(
  seed: number,
  bits: 16 | 32 | 64,
  use: (data: Uint8Array) => void,
): void {
  const random = randomSource(seed);
  const data = new Uint8Array(BATCH * STRIDE);
  for (let done = 0; done < RUN_LENGTH; done += BATCH) {
    fill(data, random);
    for (let i = 0; i < BATCH; i++) writeOne(data, i * STRIDE, done + i, random(), bits);
    use(data);
  }
  for (let done = 0; done < VEX_BATCHES * BATCH; done += BATCH) {
    fill(data, random);
    for (let i = 0; i < BATCH; i++) writeVex(data, i * STRIDE, done + i, random());
    use(data);
  }
}

/** Batches with a VEX prefix: W and L, three maps, each opcode, prefix, register, kind. */
const VEX_BATCHES = 12;

/** Writes an instruction with VEX, seldom with forbidden prefixes. */
function writeVex(data: Uint8Array, offset: number, serial: number, choice: number): void {
  let at = offset;
  if ((choice & 7) === 0) data[at++] = 0x67;
  if ((choice & 0x3f8) === 0) data[at++] = [0xf0, 0x66, 0xf3, 0xf2][(choice >>> 10) & 3] ?? 0;
  const field = ((serial >>> 2) & 7) << 3;
  const modrm = ((serial >>> 5) & 1) === 0 ? 0xc0 : ((choice >>> 12) % 3) << 6;
  const batch = Math.floor(serial / BATCH);
  const [map, wide, long] = [1 + (batch % 3), (batch / 3) & 1, batch / 6 >= 1 ? 1 : 0];
  const unused = (choice & 0x2_0000) !== 0 ? 0x78 : 0;
  data[at++] = 0xc4;
  data[at++] = 0xc0 | ((choice >>> 13) & 0x20) | map;
  data[at++] = (wide << 7) | ((choice >>> 12) & 0x78) | unused | (long << 2) | (serial & 3);
  const opcode = (serial >>> 6) & 255;
  data[at++] = opcode;
  // Gathers need a SIB byte.
  const isGather = map === 2 && (opcode & 0xfc) === 0x90;
  data[at] = modrm | field | (isGather ? 4 : (choice >>> 25) & 7);
}

/** Writes the instruction with this serial number; `choice` decides about the further prefixes. */
function writeOne(
  data: Uint8Array,
  offset: number,
  serial: number,
  choice: number,
  bits: number,
): void {
  const map = (serial >>> 18) & 3;
  const mandatory = serial & 3;
  let at = offset;
  if ((choice & 7) === 0) data[at++] = 0x67;
  if ((choice & 0x78) === 0) data[at++] = 0xf0;
  if ((choice & 0x380) === 0) data[at++] = SEGMENTS[(choice >>> 10) % 6] ?? 0;
  for (const byte of MANDATORY[mandatory] ?? []) data[at++] = byte;
  if ((choice & 0x3c000) === 0 && mandatory > 1) data[at++] = 0x66;
  if (bits === 64 && (choice & 0x40000) !== 0) data[at++] = 0x40 | ((choice >>> 20) & 15);
  if (map > 0) data[at++] = 0x0f;
  if (map === 2) data[at++] = 0x38;
  if (map === 3) data[at++] = 0x3a;
  data[at++] = (serial >>> 10) & 255;
  data[at] = (serial >>> 2) & 255;
}
