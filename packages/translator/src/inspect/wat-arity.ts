/** How many operands an instruction takes from the stack, and whether it leaves a result. */
export interface Arity {
  readonly operands: number;
  readonly hasResult: boolean;
}

const unaryNames: ReadonlySet<string> = new Set([
  ...['eqz', 'clz', 'ctz', 'popcnt', 'abs', 'neg', 'sqrt', 'ceil', 'floor', 'trunc', 'nearest'],
  ...['not', 'any_true', 'all_true', 'bitmask', 'splat', 'wrap_i64', 'grow'],
]);

/** Operations whose names go on with what they convert from. */
const unaryPrefixes = new RegExp(
  '^(extend(\\d|_i32|_low|_high)|extadd|trunc_|convert_|promote_|demote_|reinterpret_|' +
    'extract_lane|load)',
);

const ternary: ReadonlySet<string> = new Set(['v128.bitselect', 'memory.copy', 'memory.fill']);

/** The arity of a numeric, memory or vector instruction, by its text-format name. */
export function arityOf(name: string): Arity {
  const operation = name.slice(name.indexOf('.') + 1);
  if (operation === 'const') return { operands: 0, hasResult: true };
  if (operation.startsWith('store')) return { operands: 2, hasResult: false };
  if (ternary.has(name)) return { operands: 3, hasResult: name === 'v128.bitselect' };
  const isUnary = unaryNames.has(operation) || unaryPrefixes.test(operation);
  return { operands: isUnary ? 1 : 2, hasResult: true };
}
