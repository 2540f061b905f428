/** Finds instructions for every operation: one with registers, one with memory. */
import { assembleText } from '@ringfence/assembler';
import { decodeInto, formatIntel, Instruction, OperandKind } from '@ringfence/decoder';
import { FORMS } from '@ringfence/isa';

const prefixes: readonly (readonly number[])[] = [[], [0x66], [0xf2], [0xf3], [0xf0], [0xf3, 0x66]];
const maps: readonly (readonly number[])[] = [
  [],
  [0x0f],
  [0x0f, 0x38],
  [0x0f, 0x3a],
  // VEX: maps 0F38 and 0F3A, each prefix, EDX or nothing in vvvv.
  ...[0x68, 0x78].flatMap((vvvv) =>
    [0xe2, 0xe3].flatMap((map) => [0, 1, 2, 3].map((prefix) => [0xc4, map, vvvv | prefix])),
  ),
];

/** VEX with W and L: all maps, each prefix, EDX or XMM2 or nothing in vvvv. */
const vexes: readonly (readonly number[])[] = [0, 4, 0x80, 0x84].flatMap((wide) =>
  [0x68, 0x78].flatMap((vvvv) =>
    [0xe1, 0xe2, 0xe3].flatMap((map) =>
      [0, 1, 2, 3].map((prefix) => [0xc4, map, wide | vvvv | prefix]),
    ),
  ),
);

/**
 * ModRM bytes: ECX or [ESI + 46h] for each value of the reg field, then all with registers, and one
 * with a SIB byte.
 */
const modRms: readonly number[] = [
  ...[0xc1, 0x46].flatMap((base) => Array.from({ length: 8 }, (_, reg) => base | (reg << 3))),
  ...Array.from({ length: 64 }, (_, low) => 0xc0 | low),
  0x4c,
];
/** Displacement and immediate: small, and positive. */
const tail = [0x46, 0x13, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00];

/** For each operation the text of instructions that do it, as NASM writes them. */
export function operationInputs(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Map<string, string>>();
  const noteAll = (start: readonly number[]): void => {
    for (let opcode = 0; opcode < 256; opcode++) {
      for (const modRm of modRms) note(found, Uint8Array.of(...start, opcode, modRm, ...tail));
    }
  };
  for (const map of maps) for (const prefix of prefixes) noteAll([...prefix, ...map]);
  for (const vex of vexes) noteAll(vex);
  return new Map([...found].map(([operation, texts]) => [operation, [...texts.values()]]));
}

const scratch = new Instruction();

function note(found: Map<string, Map<string, string>>, bytes: Uint8Array): void {
  const length = decodeInto(scratch, bytes, 0, bytes.length, 32);
  const form = length > 0 ? FORMS[scratch.form] : undefined;
  if (form === undefined) return;
  const hasMemory = scratch.operandKind.some((kind) => kind === OperandKind.memory);
  const texts = found.get(form.operation) ?? new Map<string, string>();
  found.set(form.operation, texts);
  const kind = hasMemory ? 'memory' : 'registers';
  if (!texts.has(kind)) texts.set(kind, textOf(bytes.slice(0, length)));
}

/** Intel syntax where the assembler makes the same bytes of it, else the bytes. */
function textOf(bytes: Uint8Array): string {
  const intel = formatIntel(scratch, 0n).replaceAll(' ptr ', ' ');
  const data = `db ${[...bytes].map((byte) => `0x${byte.toString(16)}`).join(', ')}`;
  try {
    const again = assembleText(intel, { bits: 32 });
    if (Buffer.compare(again, bytes) === 0) return `${intel}\n`;
  } catch {
    // The assembler takes no prefixes behind others, say.
  }
  return `${data} ; ${intel}\n`;
}
