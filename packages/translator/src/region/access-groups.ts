/**
 * Merges the look-ups of guest memory accesses of a block that are near each other.
 *
 * Compiled code works on its stack frame and on structures: many accesses of one block have the
 * same base value and differ by a constant. The first of them looks its page up for the range of
 * them all, and the others use what it found; the region is left when the range is not in one page
 * that the fast path serves. Base values are compared as IR values: a base that has changed is
 * another one. What is mapped does not change while a region runs: what could change it leaves the
 * region.
 */
import type { AccessGroup, Value } from '../ir/value.ts';

/** The farthest apart that accesses of a group are, in bytes: far ones are in other pages. */
const maximumRange = 512;

interface Member {
  readonly access: Value;
  readonly displacement: number;
}

const grouped: ReadonlySet<string> = new Set(['guest.load', 'guest.store', 'guest.modify']);

/**
 * Makes groups of the accesses of a block's straight code; `isApart`: whether those of the
 * instruction of a number, and those with the same base, are to be looked up one by one.
 */
export function groupAccesses(
  body: readonly Value[],
  isApart: (instruction: number) => boolean,
): void {
  const bases = new Map<Value, Member[]>();
  const apart = new Set<Value>();
  let instruction = 0;
  for (const access of body) {
    if (access.op === 'mark') instruction = access.imm;
    const address = access.args[0];
    if (!grouped.has(access.op) || address === undefined) continue;
    const { base, displacement } = split(address);
    if (base.isConst) continue;
    if (isApart(instruction)) apart.add(base);
    const members = bases.get(base);
    if (members === undefined) bases.set(base, [{ access, displacement }]);
    else if (isNear(members, displacement)) members.push({ access, displacement });
  }
  for (const [base, members] of bases) {
    if (members.length > 1 && !apart.has(base)) join(base, members);
  }
}

function isNear(members: readonly Member[], displacement: number): boolean {
  const first = members[0]?.displacement ?? 0;
  return Math.abs(displacement - first) < maximumRange / 2;
}

function join(base: Value, members: readonly Member[]): void {
  const low = Math.min(...members.map(({ displacement }) => displacement));
  const end = Math.max(...members.map((member) => member.displacement + bytesOf(member.access)));
  const writes = members.some(({ access }) => access.op !== 'guest.load');
  const group: AccessGroup = { low, bytes: end - low, writes, local: -1 };
  members.forEach(({ access, displacement }, index) => {
    // Only the first may be given up.
    if (index > 0) access.blocks = undefined;
    access.args = [base, ...access.args.slice(1)];
    access.group = group;
    access.displacement = displacement;
  });
}

function bytesOf(access: Value): number {
  const { name } = access;
  if (name.startsWith('v128')) return 16;
  if (name.startsWith('i64')) return 8;
  if (name.includes('16')) return 2;
  return name.includes('8') ? 1 : 4;
}

/** An address as a base and a constant. */
function split(address: Value): { base: Value; displacement: number } {
  let base = address;
  let displacement = 0;
  for (;;) {
    const [left, right] = base.args;
    if (left === undefined || right?.isConst !== true || left.type !== 'i32') break;
    if (base.op === 'i32.add') displacement = (displacement + right.imm) | 0;
    else if (base.op === 'i32.sub') displacement = (displacement - right.imm) | 0;
    else break;
    base = left;
  }
  return { base, displacement };
}
