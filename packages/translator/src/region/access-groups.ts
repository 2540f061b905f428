/**
 * Merges the look-ups of guest memory accesses of a block that are near each other.
 *
 * Compiled code works on its stack frame and on structures: many accesses of one block have the
 * same base value and differ by a constant. The first of them looks its page up for the range of
 * them all, and the others use what it found; the region is left when the range is not in one page
 * that the fast path serves. Base values are compared as IR values: a base that has changed is
 * another one. What is mapped does not change while a region runs: what could change it leaves the
 * region.
 *
 * An access of a small table, by an index that cannot be large, is a group even alone: its look-up
 * does not wait for the index. Where values of a table lead to the next index, as in a CRC, that is
 * most of the time.
 */
import { type AccessGroup, constantOf, type Value, type Variable } from '../ir/value.ts';
import { maximumOf } from '../ir/maximum.ts';

/** The farthest apart that accesses of a group are, in bytes: far ones are in other pages. */
const maximumRange = 512;

/** The largest table, in bytes: a fourth of a page, as many of those of words are. */
const maximumTable = 1024;

const pageBytes = 4096;

/** An address: a base, a constant, and perhaps an index of at most `maximum`. */
interface Address {
  readonly base: Value;
  readonly displacement: number;
  readonly index: Value | undefined;
  readonly maximum: number;
}

interface Member extends Address {
  readonly access: Value;
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
  const tables = new Map<Value, Member[]>();
  const apart = new Set<Value>();
  const changed = new Set(body.map(({ op, variable }) => (op === 'set' ? variable : undefined)));
  let instruction = 0;
  for (const access of body) {
    if (access.op === 'mark') instruction = access.imm;
    const address = access.args[0];
    if (!grouped.has(access.op) || address === undefined) continue;
    const member = { ...memberOf(access, address), access };
    const { base, index } = member;
    if (isApart(instruction)) apart.add(base);
    if (index === undefined ? base.isConst : !isTable(member, changed)) continue;
    const known = index === undefined ? bases : tables;
    const members = known.get(base);
    if (members === undefined) known.set(base, [member]);
    else if (isNear([...members, member])) members.push(member);
  }
  for (const [base, members] of bases) {
    if (members.length > 1 && !apart.has(base)) join(base, members);
  }
  for (const [base, members] of tables) {
    if (!apart.has(base)) join(base, members);
  }
}

/** What a group of its own would be for, or an address without an index. */
function memberOf(access: Value, address: Value): Address {
  const { base, displacement } = split(address);
  const plain = { base, displacement, index: undefined, maximum: 0 };
  const table = splitIndex(base);
  if (table === undefined) return plain;
  const inner = split(table.base);
  const maximum = maximumOf(table.index);
  if (maximum + bytesOf(access) > maximumTable) return plain;
  const sum = (displacement + inner.displacement) | 0;
  return { base: inner.base, displacement: sum, index: table.index, maximum };
}

/**
 * Whether what an index is added to is a table: at a known place, in one page, or where a register
 * of which `changed` says that the block keeps it. A pointer that moves comes to ends of pages.
 */
function isTable(
  { base, displacement, maximum, access }: Member,
  changed: ReadonlySet<Variable | undefined>,
): boolean {
  if (!base.isConst) return base.op === 'get' && !changed.has(base.variable);
  const offset = (base.imm + displacement) & (pageBytes - 1);
  return offset + maximum + bytesOf(access) <= pageBytes;
}

function isNear(members: readonly Member[]): boolean {
  const [first] = members;
  const last = members[members.length - 1];
  if (first === undefined || last === undefined) return false;
  if (first.index !== undefined) return endOf(members) - lowOf(members) <= maximumTable;
  return Math.abs(last.displacement - first.displacement) < maximumRange / 2;
}

function lowOf(members: readonly Member[]): number {
  return Math.min(...members.map(({ displacement }) => displacement));
}

function endOf(members: readonly Member[]): number {
  const ends = members.map(({ displacement, maximum, access }) => {
    return displacement + maximum + bytesOf(access);
  });
  return Math.max(...ends);
}

function join(base: Value, members: readonly Member[]): void {
  const low = lowOf(members);
  const writes = members.some(({ access }) => access.op !== 'guest.load');
  const group: AccessGroup = { low, bytes: endOf(members) - low, writes, local: -1 };
  members.forEach(({ access, displacement, index }, number) => {
    // Only the first may be given up.
    if (number > 0) access.blocks = undefined;
    access.args = [base, ...access.args.slice(1), ...(index === undefined ? [] : [index])];
    access.isIndexed = index !== undefined;
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

/** A sum as a base and an index that cannot be large. */
function splitIndex(sum: Value): { base: Value; index: Value } | undefined {
  const [left, right] = sum.args;
  if (maximumOf(sum) < maximumTable) return { base: constantOf('i32', 0), index: sum };
  if (sum.op !== 'i32.add' || left === undefined || right === undefined) return undefined;
  if (maximumOf(right) < maximumTable) return { base: left, index: right };
  return maximumOf(left) < maximumTable ? { base: right, index: left } : undefined;
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
