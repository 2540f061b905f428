import { registers } from '@ringfence/assembler';
import type { Register, RegisterName } from '@ringfence/assembler';
import { Access, Location, operandBytes } from '@ringfence/isa';
import type { OperandSpec } from '@ringfence/isa';
import { chooseAddress } from './addressing.ts';
import type { Plan } from './plan.ts';
import { integerValue } from './values.ts';

const GPR8 = ['al', 'cl', 'dl', 'bl', 'ah', 'ch', 'dh', 'bh'] as const;
const GPR16 = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'] as const;
const GPR32 = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const;
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;

/** Locations that ModRM.rm gives and that may be memory. */
const MAYBE_MEMORY: ReadonlySet<number> = new Set([Location.rmGpr, Location.rmMm, Location.rmXmm]);

/** The register of a class by its number. */
export function registerOf(
  kind: 'mm' | 'xmm' | 'ymm' | 'st' | 'gpr',
  number: number,
  bytes = 4,
): Register {
  if (kind !== 'gpr') return registers[`${kind}${number}` as RegisterName];
  const names: readonly RegisterName[] = bytes === 1 ? GPR8 : bytes === 2 ? GPR16 : GPR32;
  return registers[names[number] ?? 'eax'];
}

/** Chooses registers, immediates and the place of the memory operand, with values worth trying. */
export function chooseOperands(plan: Plan): void {
  const { form, random } = plan;
  form.operands.forEach((spec, position) => {
    const memory =
      spec.location === Location.memory ||
      spec.location === Location.offset ||
      (MAYBE_MEMORY.has(spec.location) && takesMemory(plan));
    if (spec.location === Location.vectorMemory) chooseGather(plan, spec, position);
    else if (memory) {
      plan.memoryAt = position;
      if (random.oneIn(4)) plan.addressBits = 16;
      const touched = spec.access !== Access.address;
      plan.address = chooseAddress(plan, plan.bytesOf(position), touched);
      plan.operands.push(undefined);
    } else {
      plan.operands.push(chooseRegister(plan, spec));
    }
  });
  form.operands.forEach((spec, position) => chooseValue(plan, spec, position));
}

/** Base and vector index of a gather; the three vector registers are different ones. */
function chooseGather(plan: Plan, spec: OperandSpec, position: number): void {
  const { random } = plan;
  plan.memoryAt = position;
  plan.address = chooseAddress(plan, plan.bytesOf(position), false);
  const destination = plan.operands[0];
  const first = destination !== undefined && 'number' in destination ? destination.number : 0;
  const number = (first + random.between(1, 3)) & 7;
  plan.vectorIndex = registerOf(operandBytes(spec.size, 32) === 32 ? 'ymm' : 'xmm', number);
  plan.otherVector = (first + random.between(4, 7)) & 7;
  plan.operands.push(undefined);
}

function takesMemory(plan: Plan): boolean {
  if (plan.form.mod === 'memory') return true;
  return plan.form.mod === 'any' && plan.random.oneIn(2);
}

function chooseRegister(plan: Plan, spec: OperandSpec): Plan['operands'][number] {
  const { random, operandSize } = plan;
  const bytes = operandBytes(spec.size, operandSize);
  const number = plan.otherVector ?? random.below(8);
  switch (spec.location) {
    case Location.rmGpr:
    case Location.rmGprOnly:
    case Location.regGpr:
    case Location.opcodeGpr:
    case Location.vexGpr:
      return registerOf('gpr', number, bytes);
    case Location.fixedGpr:
      return registerOf('gpr', spec.register, bytes);
    case Location.regMm:
    case Location.rmMm:
    case Location.rmMmOnly:
      return registerOf('mm', number);
    case Location.regXmm:
    case Location.rmXmm:
    case Location.rmXmmOnly:
    case Location.vexXmm:
    case Location.immediateXmm:
      return registerOf(bytes === 32 ? 'ymm' : 'xmm', number);
    case Location.xmm0:
      return registerOf('xmm', 0);
    case Location.st0:
      return registerOf('st', 0);
    case Location.sti:
      return registerOf('st', number);
    case Location.segment:
      return registers[random.pick(SEGMENTS)];
    case Location.fixedSegment:
      return registers[SEGMENTS[spec.register] ?? 'ds'];
    default:
      return undefined;
  }
}

function chooseValue(plan: Plan, spec: OperandSpec, position: number): void {
  const { random, operandSize } = plan;
  const bytes = operandBytes(spec.size, operandSize);
  if (spec.location === Location.immediate) {
    const value = integerValue(random, bytes);
    // Sign-extended immediates are given as the signed numbers that they are.
    plan.setImmediate(position, Number(BigInt.asIntN(bytes * 8, value)));
  } else if (spec.location === Location.one) {
    plan.setImmediate(position, 1);
  } else if (!random.oneIn(4)) {
    const size = plan.bytesOf(position);
    if (size > 0 && size <= 8) plan.setOperand(position, integerValue(random, size));
  }
}
