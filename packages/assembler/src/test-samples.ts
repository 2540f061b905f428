/** Operands for every form, for the tests of this package. */
import { Location, operandBytes } from '@ringfence/isa';
import type { Form, OperandSpec } from '@ringfence/isa';
import type { Bits } from './addressing.ts';
import { Expression } from './expression.ts';
import { far, memory } from './operand.ts';
import type { MemoryParts, Operand } from './operand.ts';
import { registers } from './registers.ts';
import type { Register, RegisterName } from './registers.ts';

/** One form with operands, to encode. */
export interface Sample {
  readonly form: Form;
  readonly bits: Bits;
  readonly operandSize: 16 | 32 | 64;
  readonly operands: readonly (Operand | undefined)[];
}

const MEMORY_ONLY_OR_RM: ReadonlySet<number> = new Set([
  Location.rmGpr,
  Location.memory,
  Location.rmMm,
  Location.rmXmm,
]);

/** How many different operand sets {@link sampleOperands} knows. */
export const VARIANTS = 8;

/** The operands of one variant; even variants prefer memory where a form takes both. */
export function sampleOperands(
  form: Form,
  bits: Bits,
  operandSize: 16 | 32 | 64,
  variant: number,
): Sample {
  const operands = form.operands.map((spec, position) =>
    sampleOperand(form, spec, bits, operandSize, variant * 7 + position * 3, variant % 2 === 0),
  );
  return { form, bits, operandSize, operands };
}

function sampleOperand(
  form: Form,
  spec: OperandSpec,
  bits: Bits,
  operandSize: 16 | 32 | 64,
  salt: number,
  wantsMemory: boolean,
): Operand | undefined {
  const bytes = operandBytes(spec.size, operandSize);
  if (spec.location === Location.vectorMemory) return gathered(spec, bits, salt);
  if (MEMORY_ONLY_OR_RM.has(spec.location) && form.mod !== 'register') {
    if (wantsMemory || form.mod === 'memory' || spec.location === Location.memory) {
      const isFarPointer = spec.memorySize === 'p' && form.flow !== 'next';
      const size = operandBytes(spec.memorySize, operandSize) - (isFarPointer ? 2 : 0);
      return memory(size, memoryParts(form, bits, salt));
    }
  }
  const count = bits === 64 ? 16 : 8;
  switch (spec.location) {
    case Location.rmGpr:
    case Location.rmGprOnly:
    case Location.regGpr:
    case Location.opcodeGpr:
    case Location.vexGpr:
      return generalRegister(bytes, salt % count, bits);
    case Location.fixedGpr:
      return generalRegister(bytes, spec.register, bits);
    case Location.regXmm:
    case Location.rmXmm:
    case Location.rmXmmOnly:
    case Location.vexXmm:
    case Location.immediateXmm:
      return named(`${spec.size === 'qq' ? 'y' : 'x'}mm${salt % count}`);
    case Location.regMm:
    case Location.rmMm:
    case Location.rmMmOnly:
      return named(`mm${salt % 8}`);
    case Location.sti:
      return named(`st${salt % 8}`);
    case Location.st0:
      return named('st0');
    case Location.xmm0:
      return named('xmm0');
    case Location.segment:
      return named(['es', 'ss', 'ds', 'fs', 'gs'][salt % 5] ?? 'ds');
    case Location.fixedSegment:
      return named(['es', 'cs', 'ss', 'ds', 'fs', 'gs'][spec.register] ?? 'ds');
    case Location.control:
      return named(['cr0', 'cr2', 'cr3', 'cr4'][salt % 4] ?? 'cr0');
    case Location.debug:
      return named(['dr0', 'dr3', 'dr6', 'dr7'][salt % 4] ?? 'dr0');
    case Location.one:
      return new Expression(1n);
    case Location.immediate:
      return new Expression(immediate(spec, bytes, salt));
    case Location.relative:
      return new Expression(0x1000n + BigInt((salt * 5) % 100));
    case Location.farPointer:
      return far(0x18, operandSize === 16 ? 0x1234 : 0x12345678);
    case Location.offset:
      return memory(bytes, { displacement: 0x1234 + salt, ...segmentOf(salt) });
    default:
      return undefined;
  }
}

/** The memory of a gather: its index is a vector register, whatever there is for a base. */
function gathered(spec: OperandSpec, bits: Bits, salt: number): Operand {
  const index = named(`${spec.size === 'qq' ? 'y' : 'x'}mm${salt % (bits === 64 ? 16 : 8)}`);
  const { ebx, ebp, rbx } = registers;
  const scale = ([1, 2, 4, 8] as const)[salt % 4] ?? 1;
  const bases = [ebx, ebp, bits === 64 ? rbx : ebx];
  const parts = { index, scale, addressBits: 32 as const, ...segmentOf(salt) };
  const based = salt % 3 === 0 && bits !== 64 ? {} : { base: bases[salt % 3] ?? ebx };
  const displacement = [0, 0x12, -0x345678][salt % 3] ?? 0;
  return memory(operandBytes(spec.memorySize, 32), { ...parts, ...based, displacement });
}

/** Values of all signs; sign-extended ones stay in their range. */
function immediate(spec: OperandSpec, bytes: number, salt: number): bigint {
  const value = BigInt.asUintN(bytes * 8, 0x123456789abcdef0n >> BigInt(salt % 32));
  const isSigned = spec.size === 'bs' || spec.size === 'z';
  return isSigned ? BigInt.asIntN(bytes * 8, value) : value;
}

function generalRegister(bytes: number, number: number, bits: Bits): Register {
  const legacy = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
  const low = bits === 64 ? 'al cl dl bl spl bpl sil dil' : 'al cl dl bl ah ch dh bh';
  if (number >= 8) {
    return named(`r${number}${bytes === 1 ? 'b' : bytes === 2 ? 'w' : bytes === 4 ? 'd' : ''}`);
  }
  if (bytes === 1) return named(low.split(' ')[number] ?? 'al');
  const prefix = bytes === 2 ? '' : bytes === 4 ? 'e' : 'r';
  return named(prefix + (legacy[number] ?? 'ax'));
}

function memoryParts(form: Form, bits: Bits, salt: number): MemoryParts {
  const { bx, si, bp, di, ebx, ecx, esp, ebp, eax, rbx, r12, r13, rsp, rip } = registers;
  const wide: MemoryParts[] = [
    { base: rbx, index: r13, scale: 4, displacement: 8 },
    { base: rip, displacement: 0x2000 },
    { base: r13 },
    { base: rsp, index: r12, scale: 2, displacement: -0x1234 },
    { base: r12, displacement: 0x7f },
    { base: ebx, index: ecx, scale: 8 },
  ];
  const legacy: MemoryParts[] = [
    { base: ebx, index: ecx, scale: 4, displacement: 8 },
    { displacement: 0x5678 },
    { base: ebp },
    { base: esp, index: eax, scale: 2, displacement: -0x1234 },
    { base: bx, index: si, displacement: 0x7f },
    { base: bp, index: di },
    { index: ecx, scale: 8, displacement: 0x80 },
    { base: bp },
  ];
  const list = bits === 64 ? wide : legacy;
  const parts = list[salt % list.length] ?? {};
  return { ...parts, ...segmentOf(salt), far: form.flow !== 'next' && isFar(form) };
}

function isFar(form: Form): boolean {
  return form.operands.some((spec) => spec.memorySize === 'p');
}

function segmentOf(salt: number): MemoryParts {
  return salt % 5 === 4 ? { segment: registers.fs } : {};
}

function named(name: string): Register {
  // The names above are all registers; undefined would fail the test that uses it.
  return registers[name as RegisterName];
}
