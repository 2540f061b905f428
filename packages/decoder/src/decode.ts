import { FORMS } from '@ringfence/isa';
import type { FlagEffects, Form } from '@ringfence/isa';
import { decodeInto } from './decode-into.ts';
import { flagEffects } from './flag-effects.ts';
import { formatIntel } from './format-intel.ts';
import {
  BASE_RIP,
  INVALID_LOCK,
  Instruction,
  NEED_MORE,
  OperandKind,
  TOO_LONG,
} from './instruction.ts';
import {
  addressRegisterName,
  instructionPointerName,
  mnemonicOf,
  registerName,
  segmentName,
} from './registers.ts';
import { branchTarget } from './text-parts.ts';

/** Where and as what {@link decode} reads. */
export interface DecodeOptions {
  /** Width of the code: the D and L bits of its code segment (SDM vol. 3A, 3.4.5). */
  readonly bits: 16 | 32 | 64;
  /** Position of the instruction in the bytes; 0 if missing. */
  readonly offset?: number;
  /** Address of the instruction, from which branch targets count; 0 if missing. */
  readonly ip?: bigint;
}

/** A memory operand: `segment:[base + index * scale + displacement]`. */
export interface DecodedMemory {
  readonly kind: 'memory';
  readonly segment: string;
  /** Name of the base register, `rip` too; undefined if there is none. */
  readonly base: string | undefined;
  readonly index: string | undefined;
  readonly scale: 1 | 2 | 4 | 8;
  /** Signed; unsigned for an absolute 64-bit offset (moffs64). */
  readonly displacement: bigint;
  /** 0 where the instruction has no size (LEA, INVLPG). */
  readonly bytes: number;
}

/** One operand as a value. */
export type DecodedOperand =
  | DecodedMemory
  | { readonly kind: 'register'; readonly name: string; readonly bytes: number }
  | { readonly kind: 'immediate'; readonly value: bigint; readonly bytes: number }
  | { readonly kind: 'target'; readonly address: bigint }
  | { readonly kind: 'far'; readonly selector: number; readonly offset: number };

/** What {@link decode} finds: everything by name, in new objects. */
export interface DecodedInstruction {
  readonly valid: true;
  readonly length: number;
  /** The row of the tables. */
  readonly form: Form;
  /** Mnemonic in capitals, as in the manual. */
  readonly mnemonic: string;
  readonly operands: readonly DecodedOperand[];
  readonly flags: FlagEffects;
  /** Text in Intel's syntax. */
  readonly text: string;
}

/** Why there is no instruction. */
export interface DecodeFailure {
  readonly valid: false;
  /**
   * `opcode`: #UD; `lock`: #UD for LOCK; `length`: #GP, over 15 bytes; `truncated`: bytes ended.
   */
  readonly reason: 'opcode' | 'lock' | 'length' | 'truncated';
}

/** The result of {@link decode}, told apart by `valid`. */
export type DecodeResult = DecodedInstruction | DecodeFailure;

/**
 * Decodes one instruction into objects: convenient, where {@link decodeInto} is fast.
 *
 * Never throws for any bytes; what is no instruction is a {@link DecodeFailure}.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions): DecodeResult {
  const { bits, offset = 0, ip = 0n } = options;
  const instruction = new Instruction();
  const length = decodeInto(instruction, bytes, offset, bytes.length, bits);
  const form = FORMS[instruction.form];
  if (length <= 0 || form === undefined) return { valid: false, reason: reasonOf(length) };
  return {
    valid: true,
    length,
    form,
    mnemonic: mnemonicOf(instruction),
    operands: form.operands.map((_, operand) => operandOf(instruction, operand, ip)),
    flags: flagEffects(instruction),
    text: formatIntel(instruction, ip),
  };
}

function reasonOf(result: number): DecodeFailure['reason'] {
  if (result === INVALID_LOCK) return 'lock';
  if (result === TOO_LONG) return 'length';
  return result === NEED_MORE ? 'truncated' : 'opcode';
}

function operandOf(instruction: Instruction, operand: number, ip: bigint): DecodedOperand {
  const kind = instruction.operandKind[operand];
  const bytes = instruction.operandBytes[operand] ?? 0;
  switch (kind) {
    case OperandKind.memory:
      return memoryOf(instruction, bytes);
    case OperandKind.stringSource:
      return pointerOf(instruction, 6, instruction.segment, bytes);
    case OperandKind.stringDestination:
      return pointerOf(instruction, 7, 0, bytes);
    case OperandKind.immediate:
      return { kind: 'immediate', value: signed64(instruction), bytes };
    case OperandKind.immediate2:
      return { kind: 'immediate', value: BigInt(instruction.immediate2), bytes };
    case OperandKind.one:
      return { kind: 'immediate', value: 1n, bytes };
    case OperandKind.relative:
      return { kind: 'target', address: branchTarget(instruction, ip) };
    case OperandKind.farPointer:
      return {
        kind: 'far',
        selector: instruction.immediate2,
        offset: instruction.immediate >>> 0,
      };
    default:
      return { kind: 'register', name: registerName(instruction, operand) ?? '', bytes };
  }
}

function signed64({ immediate, immediateHigh }: Instruction): bigint {
  return (BigInt(immediateHigh) << 32n) | BigInt(immediate >>> 0);
}

function pointerOf(
  instruction: Instruction,
  register: number,
  segment: number,
  bytes: number,
): DecodedMemory {
  const base = addressRegisterName(register, instruction.addressSize);
  return {
    kind: 'memory',
    segment: segmentName(segment),
    base,
    index: undefined,
    scale: 1,
    displacement: 0n,
    bytes,
  };
}

function memoryOf(instruction: Instruction, bytes: number): DecodedMemory {
  const { base, index, addressSize, displacement, displacementHigh } = instruction;
  const name = (register: number): string =>
    register === BASE_RIP
      ? instructionPointerName(addressSize)
      : addressRegisterName(register, addressSize);
  const wide = (BigInt(displacementHigh) << 32n) | BigInt(displacement >>> 0);
  const isOffset64 = base < 0 && index < 0 && addressSize === 64 && instruction.hasModrm === 0;
  return {
    kind: 'memory',
    segment: segmentName(instruction.segment),
    base: base < 0 ? undefined : name(base),
    index: index < 0 ? undefined : name(index),
    // A shift of 0 to 3 is a factor of 1, 2, 4 or 8.
    scale: (1 << instruction.scale) as 1 | 2 | 4 | 8,
    displacement: isOffset64 ? BigInt.asUintN(64, wide) : wide,
    bytes,
  };
}
