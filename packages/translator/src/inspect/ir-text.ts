import { CpuState } from '@ringfence/memory';
import type { Value, Variable } from '../ir/value.ts';

/** The general registers of 32-bit code by number (SDM 2A table 2-2). */
const registerNames = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const;

/** Names of addresses in the CPU state, as comments in the text. */
const stateNames = new Map<number, string>([
  ...Object.entries(CpuState).map(([name, address]): [number, string] => [address, name]),
  ...registerNames.map((name, index): [number, string] => [CpuState.gpr + 8 * index, name]),
  ...registerNames.map((_, index): [number, string] => [CpuState.xmm + 16 * index, `xmm${index}`]),
]);

/** The variables that stand for words of the CPU state, with their names. */
export function stateVariables(
  find: (address: number) => Variable | undefined,
): ReadonlyMap<Variable, string> {
  const names = new Map<Variable, string>();
  for (const [address, name] of stateNames) {
    const variable = find(address);
    if (variable !== undefined) names.set(variable, name);
  }
  return names;
}

/**
 * Prints IR, one operation a line: results are `v0`, `v1` ... in their order, constants stand where
 * they are used, and blocks of `if` and `loop` are indented.
 */
export function irText(
  body: readonly Value[],
  names: ReadonlyMap<Variable, string> = new Map(),
): string {
  const printer = new Printer(names);
  printer.list(body, 0);
  return printer.lines.map((line) => `${line}\n`).join('');
}

class Printer {
  readonly lines: string[] = [];
  readonly #names: Map<Variable, string>;
  readonly #numbers = new Map<Value, number>();
  #temporaries = 0;

  constructor(names: ReadonlyMap<Variable, string>) {
    this.#names = new Map(names);
  }

  list(values: readonly Value[], depth: number): void {
    for (const value of values) if (!value.isConst) this.#value(value, depth);
  }

  #value(value: Value, depth: number): void {
    const result = value.type === 'void' ? '' : `${this.#nameOf(value)} = `;
    const words = [value.op, ...this.#details(value), ...value.args.map((arg) => this.#use(arg))];
    const indent = '  '.repeat(depth);
    const blocks = value.blocks ?? [];
    const open = blocks.length > 0 ? ' {' : '';
    this.lines.push(`${indent}${result}${words.join(' ')}${open}`);
    blocks.forEach((block, index) => {
      if (index > 0 && block.length === 0) return;
      if (index > 0) this.lines.push(`${indent}} else {`);
      this.list(block, depth + 1);
    });
    if (blocks.length > 0) this.lines.push(`${indent}}`);
  }

  /** What an operation has beside its arguments. */
  #details(value: Value): string[] {
    const { op, name, imm, variable, lanes, target } = value;
    const words: string[] = [];
    if (name !== '') words.push(name);
    if (variable !== undefined) words.push(this.#variableName(variable));
    if (lanes !== undefined) words.push(`[${lanes.join(' ')}]`);
    if (op === 'load' || op === 'store') words.push(stateNames.get(imm) ?? `0x${imm.toString(16)}`);
    else if (imm !== 0 || op === 'mark' || op === 'callout' || op === 'parameter') {
      words.push(`#${imm}`);
    }
    if (target !== undefined && op === 'guest.commit') words.push(this.#nameOf(target));
    return words;
  }

  #use(value: Value): string {
    if (!value.isConst) return this.#nameOf(value);
    if (value.type === 'i64') return `${value.big}n`;
    if (value.lanes !== undefined) return `[${value.lanes.join(' ')}]`;
    return Math.abs(value.imm) < 0x1000 ? String(value.imm) : hex(value.imm);
  }

  #nameOf(value: Value): string {
    const known = this.#numbers.get(value) ?? this.#numbers.size;
    this.#numbers.set(value, known);
    return `v${known}`;
  }

  #variableName(variable: Variable): string {
    const known = this.#names.get(variable);
    if (known !== undefined) return known;
    const name = `t${this.#temporaries++}`;
    this.#names.set(variable, name);
    return name;
  }
}

function hex(value: number): string {
  const isWord = Number.isInteger(value) && Math.abs(value) < 2 ** 32;
  return isWord ? `0x${(value >>> 0).toString(16)}` : String(value);
}
