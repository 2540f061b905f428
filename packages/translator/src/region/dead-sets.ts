import type { Value, Variable } from '../ir/value.ts';

/** Operations after which the values of all variables may be needed elsewhere. */
function leaves(value: Value): boolean {
  if (value.op.startsWith('guest.')) return true;
  if (leavingOps.has(value.op)) return true;
  return value.blocks?.some((block) => block.some(leaves)) ?? false;
}

const leavingOps: ReadonlySet<string> = new Set([
  'fault',
  'fault.if',
  'jump',
  'jump.to',
  'spill',
  'reload',
  'loop',
]);

/**
 * Removes `set` operations whose variable is set again before anything can see it, mostly flags:
 * one pass backwards over straight-line code. Everything is needed at the end.
 */
export function removeDeadSets(body: Value[]): Value[] {
  const overwritten = new Set<Variable>();
  const kept: Value[] = [];
  for (let index = body.length - 1; index >= 0; index--) {
    const value = body[index];
    if (value === undefined) continue;
    if (value.op === 'set' && value.variable !== undefined) {
      if (overwritten.has(value.variable)) continue;
      overwritten.add(value.variable);
    } else if (leaves(value) || (value.op === 'mark' && accessesBefore(body, index))) {
      overwritten.clear();
    } else forgetReads(value, overwritten);
    kept.push(value);
  }
  return kept.reverse();
}

function forgetReads(value: Value, overwritten: Set<Variable>): void {
  if (value.op === 'get' && value.variable !== undefined) overwritten.delete(value.variable);
  for (const block of value.blocks ?? []) {
    for (const inner of block) forgetReads(inner, overwritten);
  }
}

/**
 * Whether the instruction before a mark accesses guest memory: a region may be left at the mark.
 */
function accessesBefore(body: readonly Value[], mark: number): boolean {
  for (let index = mark - 1; index >= 0; index--) {
    const value = body[index];
    if (value === undefined || value.op === 'mark') return false;
    if (leaves(value)) return true;
  }
  return false;
}
