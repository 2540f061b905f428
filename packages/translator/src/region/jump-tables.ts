/**
 * Reads where an indirect jump may lead from the table that it jumps by:
 *
 *     jmp [table + index * 4]                                 entries are addresses
 *     mov r, [global + index * 4 + d]; add r, global; jmp r   entries are distances from `global`
 *     add global, [global + index * 4 + d]; jmp global        (position-independent code)
 *
 * These are guesses: a region compares the EIP that comes out of the jump with each, so that a
 * table that is another, or has changed, only makes it leave.
 */
import { OperandKind } from '@ringfence/decoder';
import type { Instruction } from '@ringfence/decoder';
import { FORMS } from '@ringfence/isa';
import { SegmentRegister } from '@ringfence/memory';
import type { RegionInstruction, RegionSource } from './discover.ts';
import { pageIndexOf } from './discover.ts';

/** Entries of a table that are read where no comparison before the jump says how many it has. */
const usualEntries = 32;

/** The most that are read, and the most places that one jump leads to in a region. */
const maximumEntries = 128;
const maximumTargets = 24;

/** How far from the region's page a table may lead, in bytes. */
const reach = 0x1_0000;

/** How many instructions before the jump may say how large the table is. */
const boundDistance = 8;

/** Addresses that code was seen to make of its own, of which functions have one. */
const maximumGlobals = 4;

/** The tables that the code of one region jumps by. */
export class JumpTables {
  readonly #source: RegionSource;
  readonly #globals = new Set<number>();

  constructor(source: RegionSource) {
    this.#source = source;
  }

  /** Offsets that the jump at the end of some instructions may lead to. */
  targets(run: readonly RegionInstruction[]): readonly number[] {
    const jump = run[run.length - 1]?.instruction;
    if (jump === undefined) return [];
    const entries = entriesOf(run);
    if (jump.operandKind[0] === OperandKind.memory) {
      if (!isTable(jump) || jump.segment > SegmentRegister.ds) return [];
      return this.#bases(jump).flatMap((base) => this.#read(base + jump.displacement, 0, entries));
    }
    const load = loadOf(run);
    if (load === undefined || load.base < 0) return [];
    const tables = [...this.#globals].map((base) =>
      this.#read(base + load.displacement, base, entries),
    );
    return tables.flat().slice(0, maximumTargets);
  }

  /**
   * Notes an addition behind a call: so code learns where it is, and by that where its data is
   * (the global offset table of the System V ABI).
   */
  note({ offset, instruction }: RegionInstruction, before: RegionInstruction | undefined): void {
    if (before === undefined || FORMS[before.instruction.form]?.flow !== 'call') return;
    const [first, second] = instruction.operandKind;
    const isSum = mnemonicOf(instruction) === 'ADD' && first === OperandKind.gpr32;
    if (!isSum || second !== OperandKind.immediate) return;
    if (this.#globals.size >= maximumGlobals) return;
    this.#globals.add((this.#source.base + offset + instruction.immediate) | 0);
  }

  #bases({ base }: Instruction): readonly number[] {
    return base < 0 ? [0] : [...this.#globals];
  }

  /** The places that a table names which the interpreter has met. */
  #read(table: number, base: number, entries: number): number[] {
    const source = this.#source;
    const targets = new Set<number>();
    for (let index = 0; index < entries && targets.size < maximumTargets; index++) {
      const word = source.word((table + 4 * index) | 0);
      const offset = word === undefined ? reach : (word + base - source.base) | 0;
      if (offset >= reach || offset <= -reach) break;
      if (source.page(pageIndexOf(offset))?.isKnown(offset & 4095) === true) targets.add(offset);
    }
    return [...targets];
  }
}

/** The instruction that loads what a register jump goes to, from a table. */
function loadOf(run: readonly RegionInstruction[]): Instruction | undefined {
  const [load, sum, jump] = run.slice(-3).map(({ instruction }) => instruction);
  if (jump === undefined || sum === undefined || load === undefined) return undefined;
  const target = jump.operandRegister[0];
  if (mnemonicOf(sum) !== 'ADD' || sum.operandRegister[0] !== target) return undefined;
  if (sum.operandKind[1] === OperandKind.memory) return isTable(sum) ? sum : undefined;
  const isLoad = mnemonicOf(load) === 'MOV' && load.operandRegister[0] === target;
  if (!isLoad || load.operandKind[1] !== OperandKind.memory) return undefined;
  return isTable(load) && sum.operandRegister[1] === load.base ? load : undefined;
}

/** Whether a memory operand is one of many words. */
function isTable({ index, scale, addressSize }: Instruction): boolean {
  return index >= 0 && scale === 2 && addressSize === 32;
}

/** How many entries a table has, as far as a comparison or a mask before the jump says. */
function entriesOf(run: readonly RegionInstruction[]): number {
  for (const { instruction } of run.slice(-boundDistance).reverse()) {
    const isBound = ['CMP', 'AND'].includes(mnemonicOf(instruction));
    if (!isBound || instruction.operandKind[1] !== OperandKind.immediate) continue;
    const last = instruction.immediate;
    return last >= 0 && last < maximumEntries ? last + 1 : usualEntries;
  }
  return usualEntries;
}

function mnemonicOf({ form }: Instruction): string {
  return FORMS[form]?.mnemonic ?? '';
}
