import { WINDOW } from './layout.ts';
import type { Plan } from './plan.ts';

/** Completes the plan of one kind of instruction, before its address is encoded. */
export type Setup = (plan: Plan) => void;

const EAX = 0;
const ECX = 1;
const EDX = 2;
const EBX = 3;
const ESI = 6;
const EDI = 7;

/** Setups of integer instructions by mnemonic. */
export const INTEGER_SETUPS: ReadonlyMap<string, Setup> = new Map<string, Setup>([
  ...each('DIV IDIV', divide),
  ...each('MUL IMUL', multiply),
  ...each('ROL ROR RCL RCR SHL SAL SHR SAR SHLD SHRD', shift),
  ...each('BT BTS BTR BTC', bitOffset),
  ...each('BSF BSR TZCNT LZCNT', sparse),
  ['BEXTR', (plan): void => plan.setOperand(2, BigInt(fieldOf(plan) | (fieldOf(plan) << 8)))],
  ...each('BZHI SARX SHLX SHRX', (plan) => plan.setOperand(2, BigInt(fieldOf(plan)))),
  ['CMPXCHG', compareExchange],
  ['CMPXCHG8B', compareExchangePair],
  ['AAM', (plan): void => plan.setImmediate(0, plan.random.pick([10, 10, 16, 1, 0, 255, 7]))],
  ['BOUND', bound],
  ['XLATB', translate],
  ['CLZERO', clearLine],
  ...each('DAA DAS AAA AAS', adjust),
  ['LAHF', (plan): void => plan.setGpr(EAX, plan.random.next())],
  ...each('MOVSB MOVSW', moveString),
  ...each('CMPSB CMPSW', compareStrings),
  ...each('SCASB SCASW', scanString),
  ...each('STOSB STOSW', storeString),
  ...each('LODSB LODSW', loadString),
]);

/** The same setup for several mnemonics. */
export function each(mnemonics: string, setup: Setup): [string, Setup][] {
  return mnemonics.split(' ').map((mnemonic) => [mnemonic, setup]);
}

/** A dividend whose quotient fits, three times out of four. */
function divide(plan: Plan): void {
  const { random, state } = plan;
  const bytes = plan.bytesOf(0);
  const divisor = plan.operandValue(0);
  plan.reserved.add(EAX).add(EDX);
  const bits = BigInt(bytes * 8);
  const signed = plan.form.mnemonic === 'IDIV';
  const limit = signed ? BigInt.asIntN(Number(bits), divisor) : divisor;
  const quotient = random.next64() >> (64n - bits + (signed ? 1n : 0n));
  let dividend = limit * quotient + BigInt(random.below(Number(divisor & 0xffn) + 1));
  if (random.oneIn(4)) dividend = random.next64();
  if (bytes === 1) plan.setGprPart(EAX, 2, Number(dividend & 0xffffn));
  else {
    plan.setGprPart(EAX, bytes, Number(BigInt.asUintN(32, dividend)));
    plan.setGprPart(EDX, bytes, Number(BigInt.asUintN(32, dividend >> bits)));
  }
  // EAX or EDX may be the divisor; then the case is whatever it is now.
  void state;
}

function multiply(plan: Plan): void {
  if (plan.form.operands.length === 1)
    plan.setGprPart(EAX, plan.bytesOf(0), plan.integer(plan.bytesOf(0)));
}

/** Counts around zero, one, the operand's width and the mask of five bits. */
function shift(plan: Plan): void {
  const { random, form } = plan;
  const last = form.operands.length - 1;
  const text = plan.spec(last).text;
  if (text === '1') return;
  const width = plan.bytesOf(0) * 8;
  let count = random.pick([0, 1, 1, width - 1, width, width + 1, 31, 32, 33, random.below(256)]);
  if (random.oneIn(2)) count = random.between(1, width - 1);
  // A double shift by more than the width gives undefined results (SDM vol. 2B, SHLD).
  if (last === 2 && (count & 31) > width) count = random.between(1, width);
  if (text === 'CL') plan.setGprPart(ECX, 1, count);
  else plan.setImmediate(last, count);
}

/** A bit offset in a register reaches memory outside of the operand: keep it in the window. */
function bitOffset(plan: Plan): void {
  const { random } = plan;
  if (plan.spec(1).text === 'Ib') {
    plan.setImmediate(1, random.oneIn(2) ? random.below(32) : random.below(256));
    return;
  }
  if (!plan.hasMemory) return;
  plan.address = WINDOW + 512 + random.below(64);
  plan.setOperand(1, BigInt.asUintN(32, BigInt(random.between(-3600, 3200))));
}

/** Few bits set, often none. */
function sparse(plan: Plan): void {
  const { random } = plan;
  const value = random.oneIn(5)
    ? 0n
    : (1n << BigInt(random.below(32))) * BigInt(random.between(1, 5));
  plan.setOperand(1, BigInt.asUintN(plan.bytesOf(1) * 8, value));
}

/** A byte that is a position or a number of bits, and a little more now and then. */
function fieldOf({ random }: Plan): number {
  return random.oneIn(4) ? random.below(256) : random.below(34);
}

function compareExchange(plan: Plan): void {
  const bytes = plan.bytesOf(0);
  const equal = plan.random.oneIn(2);
  plan.setGprPart(EAX, bytes, equal ? Number(plan.operandValue(0)) : plan.integer(bytes));
}

function compareExchangePair(plan: Plan): void {
  const value = plan.operandValue(0);
  plan.reserved.add(ECX).add(EBX);
  plan.setGpr(EAX, Number(BigInt.asUintN(32, value)));
  plan.setGpr(EDX, plan.random.oneIn(2) ? Number(value >> 32n) : plan.random.next());
}

function bound(plan: Plan): void {
  const { random } = plan;
  const bytes = plan.operandSize / 8;
  const lower = random.between(-1000, 1000);
  const upper = lower + random.between(-10, 1000);
  plan.setOperand(0, BigInt(random.pick([lower, upper, lower - 1, upper + 1, lower + 5])));
  const bits = bytes * 8;
  const pair =
    BigInt.asUintN(bits, BigInt(lower)) | (BigInt.asUintN(bits, BigInt(upper)) << BigInt(bits));
  plan.setOperand(1, pair);
}

function translate(plan: Plan): void {
  const al = plan.integer(1);
  plan.setGprPart(EAX, 1, al);
  if (plan.random.oneIn(4)) plan.addressBits = 16;
  const base = WINDOW + plan.random.below(700);
  if (plan.addressBits === 16) plan.setGprPart(EBX, 2, base);
  else plan.setGpr(EBX, base);
}

/** CLZERO clears the line of DS:EAX. */
function clearLine(plan: Plan): void {
  if (plan.random.oneIn(4)) plan.addressBits = 16;
  const address = WINDOW + plan.random.below(700);
  if (plan.addressBits === 16) plan.setGprPart(EAX, 2, address);
  else plan.setGpr(EAX, address);
}

function adjust(plan: Plan): void {
  const al = plan.random.oneIn(2) ? plan.random.below(256) : plan.integer(1);
  plan.setGprPart(EAX, 1, al);
}

function moveString(plan: Plan): void {
  prepareString(plan, true, true);
}

function storeString(plan: Plan): void {
  prepareString(plan, false, true);
}

function loadString(plan: Plan): void {
  prepareString(plan, true, false);
}

/** Source and destination agree up to a random element. */
function compareStrings(plan: Plan): void {
  const { source, destination } = prepareString(plan, true, true);
  const { memory } = plan.state;
  const different = plan.random.oneIn(3) ? 64 : plan.random.below(24);
  for (let i = -64; i < 64; i++) {
    const value = memory[source + i - WINDOW];
    const at = destination + i - WINDOW;
    if (value !== undefined && at >= 0 && at < memory.length && Math.abs(i) !== different) {
      memory[at] = value;
    }
  }
}

/** The accumulator occurs, or something else does, after a few equal elements. */
function scanString(plan: Plan): void {
  const { destination } = prepareString(plan, false, true);
  const { memory } = plan.state;
  const value = plan.integer(1);
  plan.setGpr(EAX, value * 0x01010101);
  const different = plan.random.below(24);
  for (let i = -64; i < 64; i++) {
    const at = destination + i - WINDOW;
    if (at >= 0 && at < memory.length && Math.abs(i) < different) memory[at] = value;
  }
}

/** Pointers, count, direction and repeat prefix; now and then a page that is not there. */
function prepareString(
  plan: Plan,
  reads: boolean,
  writes: boolean,
): { source: number; destination: number } {
  const { random, form } = plan;
  if (random.oneIn(4)) plan.addressBits = 16;
  const part = plan.addressBits === 16 ? 2 : 4;
  let source = WINDOW + 128 + random.below(256);
  let destination = random.oneIn(6)
    ? source + random.between(-6, 6)
    : WINDOW + 576 + random.below(256);
  // The count runs into a page that is not mapped.
  if (random.oneIn(12) && reads) source = 0xa000 - random.between(1, 24);
  else if (random.oneIn(12) && writes) destination = 0xa000 - random.between(1, 24);
  if (reads) plan.setGprPart(ESI, part, source);
  if (writes) plan.setGprPart(EDI, part, destination);
  plan.setFlag(0x400, random.oneIn(3));
  if (!random.oneIn(4)) {
    const repne = form.repeat === 'repe' && random.oneIn(2);
    plan.prefixes = { repeat: repne ? 'repne' : 'repe' };
    plan.setGprPart(ECX, part, random.oneIn(8) ? 0 : random.between(1, 20));
  }
  return { source, destination };
}
