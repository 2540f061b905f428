/**
 * Decode throughput against iced-x86 called from JavaScript, in one run: `npx vitest bench
 * packages/decoder`.
 *
 * Both decode the same bytes, one instruction after the other, into one reused record, and read
 * what an interpreter needs at least: length and which instruction it is. The second pair also
 * reads the operands, which in our record are there already and in iced-x86 are calls.
 */
import { Decoder, Instruction as IcedInstruction } from 'iced-x86';
import { bench, describe } from 'vitest';
import { decodeInto } from './decode-into.ts';
import { Instruction } from './instruction.ts';

/** Ordinary 32-bit compiler output: a checksum loop with calls, loads, stores and branches. */
const CODE = Uint8Array.from(
  (
    '55 89 e5 57 56 53 83 ec 1c 8b 75 08 8b 7d 0c 31 c0 85 ff 74 2a 8d b4 26 00 00 00 00 ' +
    '0f b6 16 83 c6 01 01 d0 c1 c0 05 33 04 95 40 a0 04 08 83 ef 01 75 e9 89 45 e4 e8 10 ' +
    '00 00 00 8b 55 e4 89 04 24 89 54 24 04 f7 d8 83 c4 1c 5b 5e 5f 5d c3 90 66 90 81 fb ' +
    'ff 00 00 00 0f 87 10 01 00 00 ff 24 9d 60 a1 04 08 f0 0f b1 0d 44 33 22 11 f3 a5 0f ' +
    'af c3 6b d2 64 c7 44 24 08 01 00 00 00'
  )
    .split(' ')
    .map((byte) => parseInt(byte, 16)),
);
const REPEATS = 1000;

function repeated(): Uint8Array {
  const bytes = new Uint8Array(CODE.length * REPEATS);
  for (let i = 0; i < REPEATS; i++) bytes.set(CODE, i * CODE.length);
  return bytes;
}

/** Keeps a result alive, so that no compiler leaves the work out. */
function keep(value: number): void {
  sink[0] = (sink[0] ?? 0) ^ value;
}

const bytes = repeated();
const ours = new Instruction();
const iced = new IcedInstruction();
const decoder = new Decoder(32, bytes, 0);
const sink = new Int32Array(1);

describe(`decode ${bytes.length} bytes: length and instruction`, () => {
  bench('ringfence', () => {
    let offset = 0;
    while (offset < bytes.length) {
      offset += decodeInto(ours, bytes, offset, bytes.length, 32);
      keep(ours.form);
    }
  });

  bench('iced-x86', () => {
    decoder.position = 0;
    let offset = 0;
    while (offset < bytes.length) {
      decoder.decodeOut(iced);
      offset += iced.length;
      keep(iced.code);
    }
  });
});

describe(`decode ${bytes.length} bytes: and every operand`, () => {
  bench('ringfence', () => {
    let offset = 0;
    while (offset < bytes.length) {
      offset += decodeInto(ours, bytes, offset, bytes.length, 32);
      for (let i = 0; i < ours.operandCount; i++) {
        keep((ours.operandKind[i] ?? 0) + (ours.operandRegister[i] ?? 0));
      }
      keep(ours.immediate ^ ours.displacement ^ ours.base ^ ours.index);
    }
  });

  bench('iced-x86', () => {
    decoder.position = 0;
    let offset = 0;
    while (offset < bytes.length) {
      decoder.decodeOut(iced);
      offset += iced.length;
      for (let i = 0; i < iced.opCount; i++) keep(iced.opKind(i) + (iced.op0Register | 0));
      keep(iced.memoryBase ^ iced.memoryIndex ^ iced.immediate32);
    }
  });
});
