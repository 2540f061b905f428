import { type ByteReader, opcodes, valueTypeCodes } from '@ringfence/wasm';

/** Names of what a function body refers to by number. */
export interface WatNames {
  functionName(index: number): string;
  typeName(index: number): string;
}

/** One instruction as text, and how it changes the nesting: `else` does both. */
export interface WatInstruction {
  readonly text: string;
  readonly closes: boolean;
  readonly opens: boolean;
}

const names = new Map(
  [...opcodes.values()].map(({ prefix, code, name }) => [key(prefix, code), name]),
);

const types = new Map<number, string>(
  Object.entries(valueTypeCodes).map(([name, code]) => [code, name]),
);

/** Control and variable instructions (Core Specification 2.0, 5.4.1 to 5.4.3). */
const plain: Readonly<Record<number, string>> = {
  0x00: 'unreachable',
  0x01: 'nop',
  0x0f: 'return',
  0x1a: 'drop',
  0x1b: 'select',
};
const blocks: Readonly<Record<number, string>> = { 0x02: 'block', 0x03: 'loop', 0x04: 'if' };
const numbered: Readonly<Record<number, string>> = {
  0x0c: 'br',
  0x0d: 'br_if',
  0x20: 'local.get',
  0x21: 'local.set',
  0x22: 'local.tee',
  0x23: 'global.get',
  0x24: 'global.set',
};

function key(prefix: number, code: number): number {
  return prefix * 0x1000 + code;
}

/** The name of a value type. */
export function valueTypeName(code: number): string {
  return types.get(code) ?? `type_${code.toString(16)}`;
}

/** Reads one instruction of a function body. */
export function readInstruction(reader: ByteReader, place: WatNames): WatInstruction {
  const opcode = reader.byte();
  const block = blocks[opcode];
  if (block !== undefined) {
    const result = reader.byte();
    const text = result === 0x40 ? block : `${block} (result ${valueTypeName(result)})`;
    return { text, closes: false, opens: true };
  }
  if (opcode === 0x05) return { text: 'else', closes: true, opens: true };
  if (opcode === 0x0b) return { text: 'end', closes: true, opens: false };
  return { text: simple(opcode, reader, place), closes: false, opens: false };
}

function simple(opcode: number, reader: ByteReader, place: WatNames): string {
  const bare = plain[opcode] ?? '';
  if (bare !== '') return bare;
  const variable = numbered[opcode];
  if (variable !== undefined) return `${variable} ${reader.unsigned()}`;
  switch (opcode) {
    case 0x0e:
      return `br_table ${[...reader.vector(() => reader.unsigned()), reader.unsigned()].join(' ')}`;
    case 0x10:
      return `call ${place.functionName(reader.unsigned())}`;
    case 0x12:
      return `return_call ${place.functionName(reader.unsigned())}`;
    case 0x11:
    case 0x13: {
      const type = place.typeName(reader.unsigned());
      reader.unsigned();
      return `${opcode === 0x11 ? 'call_indirect' : 'return_call_indirect'} ${type}`;
    }
    case 0x41:
      return `i32.const ${numberText(reader.signed())}`;
    case 0x42:
      return `i64.const ${numberText(reader.signed())}`;
    case 0x43:
      return `f32.const ${reader.f32()}`;
    case 0x44:
      return `f64.const ${reader.f64()}`;
    default:
      return fromTable(opcode, reader);
  }
}

/** Small numbers in decimal, large ones in hexadecimal. */
function numberText(value: bigint): string {
  if (value > -0x1000n && value < 0x1000n) return String(value);
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function fromTable(opcode: number, reader: ByteReader): string {
  const isPrefixed = opcode === 0xfc || opcode === 0xfd;
  const code = isPrefixed ? reader.unsigned() : opcode;
  const name = names.get(key(isPrefixed ? opcode : 0, code));
  if (name === undefined) return `unknown_${opcode.toString(16)}_${code.toString(16)}`;
  if (name === 'memory.copy') reader.position += 2;
  else if (name.startsWith('memory.')) reader.position += 1;
  else if (name.includes('.load') || name.includes('.store')) return `${name}${access(reader)}`;
  else if (name === 'v128.const' || name === 'i8x16.shuffle') return `${name} ${reader.hex(16)}`;
  else if (name.includes('_lane')) return `${name} ${reader.byte()}`;
  return name;
}

function access(reader: ByteReader): string {
  reader.unsigned();
  const offset = reader.unsigned();
  return offset === 0 ? '' : ` offset=0x${offset.toString(16)}`;
}
