import { AssemblerError } from './error.ts';
import { Expression, expression } from './expression.ts';
import type { ExpressionInput } from './expression.ts';
import { isVector } from './registers.ts';
import type { Register } from './registers.ts';

/** A memory operand: `[segment: base + index * scale + displacement]`. */
export interface Memory {
  readonly kind: 'memory';
  /** Bytes accessed, or 0 to let the instruction and the other operands decide. */
  readonly bytes: number;
  readonly base: Register | undefined;
  readonly index: Register | undefined;
  readonly scale: number;
  readonly displacement: Expression;
  readonly segment: Register | undefined;
  /** Address size in bits where no register decides, or 0 for that of the mode. */
  readonly addressBits: 0 | 16 | 32 | 64;
  /** Holds a far pointer, for JMP and CALL; then `bytes` is the size of its offset. */
  readonly far: boolean;
}

/** A far pointer in the instruction: `selector:offset`. */
export interface FarPointer {
  readonly kind: 'far';
  readonly selector: Expression;
  readonly offset: Expression;
  /** Size of the offset in bits, or 0 for that of the mode. */
  readonly offsetBits: 0 | 16 | 32;
}

/** An operand as the encoder sees it. */
export type Operand = Register | Memory | FarPointer | Expression;

/** An operand as a program writes it: numbers are immediates, strings are labels. */
export type OperandInput = Register | Memory | FarPointer | ExpressionInput;

/** The parts of a memory operand, all optional. */
export interface MemoryParts {
  readonly base?: Register;
  readonly index?: Register;
  readonly scale?: 1 | 2 | 4 | 8;
  readonly displacement?: ExpressionInput;
  readonly segment?: Register;
  readonly addressBits?: 16 | 32 | 64;
  readonly far?: boolean;
}

/**
 * Makes memory operands of one size: from parts, from an absolute address, from base and
 * displacement, or from base, index, scale and displacement.
 */
export interface MemoryMaker {
  (parts: MemoryParts): Memory;
  (address: ExpressionInput): Memory;
  (base: Register, displacement?: ExpressionInput): Memory;
  (base: Register, index: Register, scale?: number, displacement?: ExpressionInput): Memory;
}

/** Memory of a size that the instruction or another operand decides. */
export const mem: MemoryMaker = maker(0);
/** One byte of memory. */
export const mem8: MemoryMaker = maker(1);
/** A word of memory, 16 bits. */
export const mem16: MemoryMaker = maker(2);
/** A doubleword of memory, 32 bits. */
export const mem32: MemoryMaker = maker(4);
/** A quadword of memory, 64 bits. */
export const mem64: MemoryMaker = maker(8);
/** An 80-bit x87 operand in memory. */
export const mem80: MemoryMaker = maker(10);
/** A double quadword of memory, 128 bits. */
export const mem128: MemoryMaker = maker(16);

/** A double quadword times two of memory, 256 bits. */
export const mem256: MemoryMaker = maker(32);

/** The far pointer `selector:offset` of a direct far jump or call. */
export function far(
  selector: ExpressionInput,
  offset: ExpressionInput,
  offsetBits: 0 | 16 | 32 = 0,
): FarPointer {
  return {
    kind: 'far',
    selector: expression(selector),
    offset: expression(offset),
    offsetBits,
  };
}

/** Turns what a program writes into an operand. */
export function operand(input: OperandInput): Operand {
  if (typeof input !== 'object' || input instanceof Expression) return expression(input);
  return input;
}

/** Builds a memory operand of `bytes` bytes and checks that some encoding can have its parts. */
export function memory(bytes: number, parts: MemoryParts): Memory {
  const { base, index, scale = 1, displacement = 0 } = parts;
  const result: Memory = {
    kind: 'memory',
    bytes,
    base,
    index,
    scale,
    displacement: expression(displacement),
    segment: parts.segment,
    addressBits: parts.addressBits ?? 0,
    far: parts.far ?? false,
  };
  checkMemory(result);
  return result;
}

function maker(bytes: number): MemoryMaker {
  return (
    first: MemoryParts | Register | ExpressionInput,
    second?: Register | ExpressionInput,
    scale: number = 1,
    displacement: ExpressionInput = 0,
  ): Memory => {
    if (typeof first !== 'object' || first instanceof Expression) {
      return memory(bytes, { displacement: first });
    }
    if (!isRegister(first)) return memory(bytes, first);
    if (second === undefined) return memory(bytes, { base: first });
    if (typeof second !== 'object' || second instanceof Expression) {
      return memory(bytes, { base: first, displacement: second });
    }
    // A scale outside 1, 2, 4, 8 is refused by checkMemory.
    const checked = scale as 1 | 2 | 4 | 8;
    return memory(bytes, { base: first, index: second, scale: checked, displacement });
  };
}

function isRegister(value: MemoryParts | Register): value is Register {
  return 'kind' in value && value.kind === 'register';
}

function checkMemory(value: Memory): void {
  const { base, index, scale, segment } = value;
  const refuse = (reason: string): never => {
    throw new AssemblerError('bad-operand', formatOperand(value), reason);
  };
  if (![1, 2, 4, 8].includes(scale)) refuse('scale is not 1, 2, 4 or 8');
  if (segment !== undefined && segment.class !== 'segment') refuse('override is no segment');
  for (const part of [base, index]) {
    if (part === undefined || (part === index && isVector(part))) continue;
    if (part.class === 'ip' && part === base && index === undefined) continue;
    if (part.class !== 'gpr' || part.bytes === 1) refuse(`${part.name} cannot address memory`);
  }
  if (index === undefined || isVector(index)) return;
  if (base !== undefined && base.bytes !== index.bytes) refuse('base and index differ in size');
  if (index.bytes !== 2 && index.number === 4) refuse(`${index.name} cannot be an index`);
}

/** The operand as text for messages, in Intel syntax. */
export function formatOperand(value: Operand): string {
  if (value instanceof Expression) return value.toString();
  if (value.kind === 'register') return value.name;
  if (value.kind === 'far') return `far ${value.selector}:${value.offset}`;
  const { base, index, scale, displacement, segment, bytes } = value;
  const parts = [base?.name, index && `${index.name}*${scale}`, displacement.toString()];
  const inside = parts.filter((part) => part !== undefined).join('+');
  const size = bytes === 0 ? '' : `${bytes * 8}-bit `;
  return `${size}[${segment === undefined ? '' : `${segment.name}:`}${inside}]`;
}
