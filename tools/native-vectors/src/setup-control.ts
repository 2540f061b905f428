import { far, registers } from '@ringfence/assembler';
import { Location } from '@ringfence/isa';
import {
  CODE,
  CODE_REGION,
  CODE_SELECTOR,
  DATA,
  DATA_END,
  DATA_SELECTOR,
  REGION_BYTES,
  WINDOW,
} from './layout.ts';
import type { Plan } from './plan.ts';
import { each } from './setup-integer.ts';
import type { Setup } from './setup-integer.ts';

const ECX = 1;
const ESP = 4;
const EBP = 5;
/** Longest instruction, so that no branch lands inside the one that is tested. */
const LONGEST = 15;

/** Flags that POPF and IRET cases load: no TF, RF, VM or AC, which would disturb the harness. */
const LOADABLE_FLAGS = 0x00207ed5;

/** Setups of stack and control-transfer instructions by mnemonic. */
export const CONTROL_SETUPS: ReadonlyMap<string, Setup> = new Map<string, Setup>([
  ...each('PUSH PUSHA PUSHF', push),
  ['POP', pop],
  ['POPA', (plan): void => void stack(plan)],
  ['POPF', popFlags],
  ['ENTER', enter],
  ['LEAVE', leave],
  ['JMP', branch],
  ['CALL', branch],
  ...each('LOOP LOOPE LOOPNE JCXZ', loop),
  ['RET', returnNear],
  ['RETF', returnFar],
  ['IRET', returnInterrupt],
  ['MOV', moveSegment],
  ...each('LDS LES LSS LFS LGS', loadFarPointer),
  ...each('VERR VERW LAR LSL', descriptorQuery),
]);

/** Setup of Jcc, which have sixteen mnemonics. */
export function branch(plan: Plan): void {
  if (plan.form.flow === 'call') stack(plan);
  const spec = plan.spec(0);
  const target = chooseTarget(plan);
  const chosen = plan.operands[0];
  // CALL ESP would push into the region of INT3, which other cases need whole.
  if (chosen !== undefined && 'kind' in chosen && chosen.kind === 'register') {
    if (chosen.number === ESP) plan.operands[0] = registers[isNarrow(plan) ? 'ax' : 'eax'];
  }
  const narrow = isNarrow(plan);
  switch (spec.location) {
    case Location.relative: {
      const near = CODE + plan.random.pick([-100, -20, 16, 40, 110]);
      plan.setImmediate(0, spec.size === 'b' ? near : target);
      return;
    }
    case Location.farPointer:
      plan.operands[0] = far(chooseCodeSelector(plan), narrow ? target & 0xffff : target);
      return;
    default:
  }
  if (spec.memorySize === 'p') {
    const selector = BigInt(chooseCodeSelector(plan));
    const offset = BigInt(narrow ? target & 0xffff : target);
    plan.setOperand(0, offset | (selector << (narrow ? 16n : 32n)));
    return;
  }
  plan.setOperand(0, BigInt(narrow ? target & 0xffff : target));
}

/** Branches with the operand-size prefix lose the upper half of the target. */
function isNarrow(plan: Plan): boolean {
  return plan.operandSize === 16;
}

/** An address in the region of INT3 that is not in the instruction itself. */
function chooseTarget(plan: Plan): number {
  const target = CODE_REGION + plan.random.below(REGION_BYTES);
  return target >= CODE && target < CODE + LONGEST ? CODE - 64 : target;
}

/** The flat code selector; now and then one that faults: null, data, behind the table. */
function chooseCodeSelector(plan: Plan): number {
  return plan.random.oneIn(4) ? plan.random.pick([0, DATA_SELECTOR, 0xfffb, 0x2]) : CODE_SELECTOR;
}

/** A selector for a data segment register. */
function chooseDataSelector(plan: Plan): number {
  const { random } = plan;
  return random.oneIn(3) ? random.pick([0, 3, CODE_SELECTOR, 0xfffb]) : DATA_SELECTOR;
}

/** Points ESP into the window, seldom to where the next push or pop faults. */
function stack(plan: Plan, mayFault: boolean = true): number {
  const { random } = plan;
  let pointer = WINDOW + 256 + random.below(512);
  if (!random.oneIn(4)) pointer &= ~3;
  if (mayFault && random.oneIn(16)) pointer = random.pick([DATA, DATA + 2, DATA_END - 2, DATA_END]);
  plan.setGpr(ESP, pointer);
  return pointer;
}

function push(plan: Plan): void {
  stack(plan);
}

function pop(plan: Plan): void {
  const pointer = stack(plan);
  if (plan.spec(0).location !== Location.fixedSegment) return;
  plan.store(pointer, 4, chooseDataSelector(plan) | (plan.random.next() << 16));
}

function popFlags(plan: Plan): void {
  plan.store(stack(plan), 4, plan.random.next() & LOADABLE_FLAGS);
}

function enter(plan: Plan): void {
  const { random } = plan;
  stack(plan);
  plan.setImmediate(0, random.pick([0, 4, 16, 100, 101]));
  plan.setImmediate(1, random.pick([0, 0, 1, 2, 3, 8, 33, 0xe2]));
  plan.setGpr(EBP, WINDOW + 400 + 4 * random.below(64));
}

function leave(plan: Plan): void {
  plan.setGpr(EBP, WINDOW + 256 + plan.random.below(512));
}

function loop(plan: Plan): void {
  const { random } = plan;
  branch(plan);
  if (random.oneIn(3)) plan.addressBits = 16;
  plan.setGpr(ECX, random.pick([0, 1, 2, 0x10000, 0x10001, 0xffff0000, 0x12340001, random.next()]));
}

function returnNear(plan: Plan): void {
  const pointer = stack(plan);
  plan.store(pointer, 4, chooseTarget(plan));
  smallRelease(plan);
}

function returnFar(plan: Plan): void {
  storeFrame(plan, stack(plan));
  smallRelease(plan);
}

function returnInterrupt(plan: Plan): void {
  const pointer = stack(plan);
  storeFrame(plan, pointer);
  const bytes = plan.operandSize / 8;
  plan.store(pointer + 2 * bytes, bytes, plan.random.next() & LOADABLE_FLAGS);
}

/** Offset and selector, as far returns pop them. */
function storeFrame(plan: Plan, pointer: number): void {
  const bytes = plan.operandSize / 8;
  plan.store(pointer, bytes, chooseTarget(plan));
  plan.store(pointer + bytes, bytes, chooseCodeSelector(plan));
}

function smallRelease(plan: Plan): void {
  if (plan.form.operands.length === 1) plan.setImmediate(0, plan.random.pick([0, 4, 8, 6, 60]));
}

function moveSegment(plan: Plan): void {
  const position = plan.form.operands.findIndex((spec) => spec.location === Location.segment);
  if (position === 1) return;
  if (position < 0) return;
  // MOV CS is an invalid opcode; once in a while is enough.
  const { es, ss, ds, fs, gs, cs } = registers;
  plan.operands[0] = plan.random.oneIn(16) ? cs : plan.random.pick([es, ss, ds, fs, gs]);
  plan.setOperand(1, BigInt(chooseDataSelector(plan)));
}

function loadFarPointer(plan: Plan): void {
  const offset = BigInt(plan.random.next()) & (plan.operandSize === 16 ? 0xffffn : 0xffffffffn);
  const selector = BigInt(chooseDataSelector(plan));
  plan.setOperand(1, offset | (selector << BigInt(plan.operandSize)));
}

/** Only selectors whose descriptors are the same everywhere: null, the two flat ones, none. */
function descriptorQuery(plan: Plan): void {
  const selectors = [0, 3, CODE_SELECTOR, CODE_SELECTOR & ~3, DATA_SELECTOR, 0x28, 0xfffb] as const;
  const position = plan.form.operands.length - 1;
  plan.setOperand(position, BigInt(plan.random.pick(selectors)));
}
