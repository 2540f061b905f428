import { memory, registers } from '@ringfence/assembler';
import type { MemoryParts, Register } from '@ringfence/assembler';
import { Location } from '@ringfence/isa';
import { DATA, DATA_END, WINDOW, WINDOW_BYTES } from './layout.ts';
import type { Plan } from './plan.ts';
import { storeValue } from './values.ts';

const { eax, ecx, edx, ebx, esp, ebp, esi, edi, bx, bp, si, di } = registers;
const GPR32: readonly Register[] = [eax, ecx, edx, ebx, esp, ebp, esi, edi];
/** Base and index of 16-bit addressing. */
const PAIRS: readonly [Register | undefined, Register | undefined][] = [
  [bx, si],
  [bx, di],
  [bp, si],
  [bp, di],
  [si, undefined],
  [di, undefined],
  [bp, undefined],
  [bx, undefined],
  [undefined, undefined],
];

/** Largest distance from an edge of the window, so that operands of any size fit inside. */
const MARGIN = 32;

/** An address for an operand of `bytes` bytes: in the window, aligned more often than not. */
export function chooseAddress(plan: Plan, bytes: number, mayFault: boolean): number {
  const { random } = plan;
  if (mayFault && random.oneIn(24)) return faultingAddress(plan, bytes);
  // Operands that cross the page border inside the window.
  if (bytes > 1 && random.oneIn(8)) return 0x9000 - random.between(1, bytes - 1);
  const room = WINDOW_BYTES - 2 * MARGIN - Math.max(bytes, MARGIN);
  const address = WINDOW + MARGIN + random.below(room);
  return random.oneIn(4) ? address : address & ~15;
}

/** An address whose access must fault: beside the data pages, partly outside, or far away. */
function faultingAddress(plan: Plan, bytes: number): number {
  const { random } = plan;
  const across = bytes > 1 ? random.between(1, bytes - 1) : 0;
  return random.pick([DATA_END, DATA_END - across, DATA - 1 - across, DATA - 16, DATA_END + 256]);
}

/** Fills in the memory operand: registers and displacement that add up to the plan's address. */
export function encodeAddress(plan: Plan): void {
  if (plan.memoryAt < 0) return;
  const { vectorIndex } = plan;
  if (vectorIndex !== undefined) {
    plan.operands[plan.memoryAt] = memory(
      plan.bytesOf(plan.memoryAt),
      gatherParts(plan, vectorIndex),
    );
    return;
  }
  const parts = isOffset(plan)
    ? { displacement: plan.address, addressBits: plan.addressBits }
    : plan.addressBits === 16
      ? parts16(plan)
      : parts32(plan);
  const override = plan.segment === undefined ? {} : { segment: plan.segment };
  plan.operands[plan.memoryAt] = memory(plan.bytesOf(plan.memoryAt), { ...parts, ...override });
}

/** MOV with the address in the instruction: no ModRM, so no registers. */
function isOffset(plan: Plan): boolean {
  return plan.spec(plan.memoryAt).location === Location.offset;
}

/** The address in a base register; indices near it, seldom one far away. */
function gatherParts(plan: Plan, index: Register): MemoryParts {
  const { random, state, address } = plan;
  const scale = random.pick([1, 2, 4, 8] as const);
  const step = /Q[DQ]|QP/.test(plan.form.mnemonic.slice(-3)) ? 8 : 4;
  for (let at = 0; at < 32; at += step) {
    const half = at < 16 ? state.xmm(index.number) : state.ymmHigh(index.number);
    const distance = random.oneIn(40) ? 0x8000 : random.between(-24, 24);
    storeValue(half, at & 15, step, BigInt.asUintN(64, BigInt(distance)));
  }
  const base = random.pick([eax, ecx, edx, ebx, esp, ebp, esi, edi]);
  const displacement = random.pick([0, random.between(-128, 127), random.next() | 0]);
  state.setGpr(base.number, (address - displacement) >>> 0);
  return { base, index, scale, displacement };
}

function parts32(plan: Plan): MemoryParts {
  const { random, state, reserved, address } = plan;
  const shape = random.below(8);
  if (shape === 0) return { displacement: address };
  const base = shape === 1 ? undefined : random.pick([eax, ecx, edx, ebx, esp, ebp, esi, edi]);
  const index = shape < 5 ? random.pick([eax, ecx, edx, ebx, ebp, esi, edi]) : undefined;
  const scale = random.pick([1, 2, 4, 8] as const);
  const indexed = index === undefined ? 0 : Math.imul(state.gpr(index.number), scale);
  const scaled = index === undefined ? {} : { index, scale };
  if (base === undefined) {
    const displacement = (address - indexed) >>> 0;
    return index === undefined ? { displacement: address } : { ...scaled, displacement };
  }
  if (reserved.has(base.number) || base === index) {
    const displacement = (address - indexed - state.gpr(base.number)) | 0;
    return { base, ...scaled, displacement };
  }
  const displacement = random.pick([0, random.between(-128, 127), random.next() | 0]);
  state.setGpr(base.number, (address - indexed - displacement) >>> 0);
  return { base, ...scaled, displacement };
}

/** Upper halves of the registers stay random: 16-bit addressing must ignore them. */
function parts16(plan: Plan): MemoryParts {
  const { random, state, reserved, address } = plan;
  const [base, index] = PAIRS[random.below(PAIRS.length)] ?? [undefined, undefined];
  if (base === undefined) return { displacement: address, addressBits: 16 };
  const indexed = index === undefined ? 0 : state.gpr(index.number);
  const scaled = index === undefined ? {} : { index };
  const full = GPR32[base.number];
  if (full === undefined || reserved.has(base.number)) {
    const displacement = (address - indexed - state.gpr(base.number)) & 0xffff;
    return { base, ...scaled, displacement };
  }
  const displacement = random.pick([0, random.between(-128, 127), random.below(65536)]);
  const low = (address - indexed - displacement) & 0xffff;
  state.setGpr(base.number, ((state.gpr(base.number) & ~0xffff) | low) >>> 0);
  return { base, ...scaled, displacement };
}
