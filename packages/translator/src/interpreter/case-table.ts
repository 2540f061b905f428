import type { Variant } from '../semantics/variant.ts';
import type { CaseInstruction, HotCase } from './hot-case.ts';
import { maximumFlagDistance } from './hot-case.ts';
import type { FlagEffect } from './instruction-effects.ts';
import { PatternReader } from './register-pattern.ts';

/** What an instruction is to those around it. */
export interface InstructionEffects {
  readonly flags: FlagEffect;
  /** General registers that it uses without naming them. */
  readonly fixed: readonly number[];
}

/** What instructions can come next in some case, by variant and by pattern of registers. */
interface Node {
  readonly next: Map<Variant, Map<number, Node>>;
  /** Handler numbers of the case that ends here, 0 for none. */
  withFlags: number;
  withoutFlags: number;
}

/** A handler and how many instructions must stay as they are for it to be right. */
export interface Match {
  readonly handler: number;
  readonly instructions: number;
}

/** Finds the case of the interpreter loop that does the most of what stands at a place. */
export class CaseTable {
  readonly #root: Node = makeNode();
  /** Cases of one instruction without its flags, which are for any registers. */
  readonly #single = new Map<Variant, number>();
  readonly #effectsOf: (variant: Variant) => InstructionEffects;
  readonly #pattern = new PatternReader();

  /** Cases have the numbers from `firstNumber` on. */
  constructor(
    cases: readonly HotCase[],
    firstNumber: number,
    effectsOf: (variant: Variant) => InstructionEffects,
  ) {
    this.#effectsOf = effectsOf;
    cases.forEach((hotCase, index) => {
      this.#add(hotCase, firstNumber + index);
    });
  }

  /**
   * The longest case for instruction `at` of a run and those behind it, one that leaves flags alone
   * rather than one that does not. `adjacent` is how many of them have adjacent records. A case of
   * one instruction with its flags is not reported: its number is the instruction's own.
   */
  match(run: readonly CaseInstruction[], at: number, adjacent: number): Match | undefined {
    let best: Match | undefined;
    const single = this.#single.get(run[at]?.variant ?? -1);
    if (single !== undefined) {
      const setter = this.#flagSetter(run, at + 1);
      if (setter >= 0) best = { handler: single, instructions: setter + 1 - at };
    }
    let node: Node | undefined = this.#root;
    this.#pattern.reset();
    for (let length = 1; length <= adjacent; length++) {
      node = this.#step(node, run[at + length - 1]);
      if (node === undefined) break;
      const { withFlags, withoutFlags } = node;
      const setter = withoutFlags === 0 ? -1 : this.#flagSetter(run, at + length);
      if (setter >= 0) best = { handler: withoutFlags, instructions: setter + 1 - at };
      else if (withFlags !== 0) best = { handler: withFlags, instructions: length };
    }
    return best;
  }

  #add({ instructions, withoutFlags }: HotCase, handler: number): void {
    const [first] = instructions;
    if (first === undefined) return;
    if (instructions.length === 1) {
      if (withoutFlags) this.#single.set(first.variant, handler);
      return;
    }
    let node = this.#root;
    this.#pattern.reset();
    for (const instruction of instructions) {
      const pattern = this.#patternOf(instruction);
      const patterns = node.next.get(instruction.variant) ?? new Map<number, Node>();
      node.next.set(instruction.variant, patterns);
      const next = patterns.get(pattern) ?? makeNode();
      patterns.set(pattern, next);
      node = next;
    }
    if (withoutFlags) node.withoutFlags = handler;
    else node.withFlags = handler;
  }

  #step(node: Node, instruction: CaseInstruction | undefined): Node | undefined {
    if (instruction === undefined) return undefined;
    const patterns = node.next.get(instruction.variant);
    return patterns?.get(this.#patternOf(instruction));
  }

  #patternOf({ variant, registers }: CaseInstruction): number {
    return this.#pattern.next(registers, this.#effectsOf(variant).fixed);
  }

  /** Which instruction sets all flags before anything from `from` on can see them; -1 if none. */
  #flagSetter(run: readonly CaseInstruction[], from: number): number {
    const last = Math.min(run.length, from + maximumFlagDistance);
    for (let index = from; index < last; index++) {
      const effect = this.#effectsOf(run[index]?.variant ?? -1).flags;
      if (effect === 'sets') return index;
      if (effect === 'needs') return -1;
    }
    return -1;
  }
}

function makeNode(): Node {
  return { next: new Map(), withFlags: 0, withoutFlags: 0 };
}
