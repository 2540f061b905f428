/**
 * String instructions: SDM vol. 1, 7.3.9; vol. 2, REP.
 *
 * One run of a handler does a *chunk* of a repeated instruction and then ends with `repeat` while
 * elements are left, so that interrupts are taken between chunks. How many elements a chunk has
 * depends on registers only, never on how the memory behind them behaves, so that counted
 * instructions are the same in every run. Registers are stored after each element: a fault in the
 * middle leaves the state of the elements before.
 */
import { Access } from '@ringfence/isa';
import { CpuState, Gpr, SegmentRegister } from '@ringfence/memory';
import type { LoopHandle } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import { notInBulk } from '../runtime/string-bulk.ts';
import { Callout } from './callout-numbers.ts';
import type { InstructionContext } from './context.ts';
import { transferred } from './integer.ts';
import type { Semantics, SemanticsTable } from './registry.ts';
import { segmentAddress } from './segment-access.ts';

/** Elements of a chunk where nothing bounds it earlier. */
const chunkElements = 1024;

const directionFlag = 1 << 10;
const pageBytes = 4096;

/** Bytes of the index registers and the counter. */
function addressBytes(c: InstructionContext): number {
  return c.info.addressSize === 16 ? 2 : 4;
}

function isRepeated(c: InstructionContext): boolean {
  return c.info.rep || c.info.repne;
}

function direction(c: InstructionContext): Value {
  return c.b.and(c.b.load('i32.load', CpuState.eflags), directionFlag);
}

/** What an element moves an index register by. */
function stepOf(c: InstructionContext, bytes: number): Value {
  return c.b.select(direction(c), c.b.i32(-bytes), c.b.i32(bytes));
}

function counter(c: InstructionContext): Value {
  return c.gpr(Gpr.rcx, addressBytes(c));
}

function advance(c: InstructionContext, register: number, by: Value): void {
  const bytes = addressBytes(c);
  c.setGpr(register, c.b.add(c.gpr(register, bytes), by), bytes);
}

function minimum(c: InstructionContext, a: Value, other: Value): Value {
  return c.b.select(c.b.ltU(a, other), a, other);
}

/**
 * Repeats `element`. The repetition ends when the counter is 0 or, after an element, when `goesOn`
 * is false.
 */
function repeat(
  c: InstructionContext,
  element: (step: Value) => void,
  bytes: number,
  chunk: (count: Value) => Value,
  goesOn?: () => Value,
): void {
  const b = c.b;
  const step = stepOf(c, bytes);
  if (!isRepeated(c)) {
    element(step);
    return;
  }
  const count = counter(c);
  b.if(b.eqz(count), () => b.next());
  const left = b.variable('i32', chunk(count));
  b.loop((loop: LoopHandle) => {
    element(step);
    c.setGpr(Gpr.rcx, b.sub(counter(c), 1), addressBytes(c));
    b.set(left, b.sub(b.get(left), 1));
    const more = b.ne(b.get(left), 0);
    b.if(goesOn === undefined ? more : b.and(more, goesOn()), () => b.continue(loop));
  });
  const rest = b.ne(counter(c), 0);
  b.if(goesOn === undefined ? rest : b.and(rest, goesOn()), () => b.repeat());
}

function shortChunk(c: InstructionContext): (count: Value) => Value {
  return (count) => oneIfTrapped(c, minimum(c, count, c.b.i32(chunkElements)));
}

/** Single steps and breakpoints are taken after each element (SDM vol. 3B, 17.3.1.4). */
function oneIfTrapped(c: InstructionContext, elements: Value): Value {
  return c.b.select(c.b.load('i32.load', CpuState.singleElements), c.b.i32(1), elements);
}

/** ZF as REPE and REPNE want it. */
function whileEqual(c: InstructionContext): () => Value {
  return () => (c.info.repne ? c.b.eqz(c.flags.zero()) : c.flags.zero());
}

/** A memory operand of a bulk operation: its first element. */
interface Range {
  readonly linear: Value;
  /** Whether `size` bytes from there on are inside of the segment and do not wrap. */
  readonly allows: (size: Value) => Value;
}

function rangeOf(c: InstructionContext, index: number, destination: boolean): Range {
  const b = c.b;
  const bytes = c.bytes(index);
  const flat = destination ? c.info.flatStack : c.info.flat;
  const offset = c.effectiveAddress(index);
  const segment = destination ? segmentAddress(SegmentRegister.es) : c.source.segment();
  const writes = destination && c.operand(index).access !== Access.read;
  return {
    linear: flat ? offset : c.segments.based(segment, offset),
    allows: (size) => {
      if (flat && c.info.addressSize !== 16) return b.i32(1);
      const back = b.select(direction(c), b.sub(size, bytes), b.i32(0));
      const inside = flat
        ? b.i32(1)
        : c.segments.allows(segment, b.sub(offset, back), size, writes);
      if (c.info.addressSize !== 16) return inside;
      const end = b.add(b.sub(offset, back), size);
      return b.and(inside, b.eqz(b.or(b.ltU(offset, back), b.gtU(end, 0x10000))));
    },
  };
}

/** Elements from a linear address on that are in its page, in the direction of DF, at least 1. */
function roomOf(c: InstructionContext, linear: Value, bytes: number): Value {
  const b = c.b;
  const shift = bytes === 8 ? 3 : bytes >> 1;
  const offset = b.and(linear, pageBytes - 1);
  const up = b.shrU(b.sub(b.i32(pageBytes), offset), shift);
  if (bytes === 1) return b.select(direction(c), b.add(offset, 1), up);
  const down = b.select(up, b.add(b.shrU(offset, shift), 1), b.i32(0));
  const elements = b.select(direction(c), down, up);
  return b.select(elements, elements, b.i32(1));
}

/** Elements of the next chunk: up to a page border of an operand, for one bulk operation. */
function pageChunk(c: InstructionContext, ranges: readonly Range[], bytes: number): Value {
  let most = counter(c);
  for (const range of ranges) most = minimum(c, most, roomOf(c, range.linear, bytes));
  return oneIfTrapped(c, most);
}

/** Whether the segments allow the chunk as a whole. */
function isAllowed(c: InstructionContext, size: Value, ranges: readonly Range[]): Value {
  let allowed = c.b.i32(1);
  for (const range of ranges) allowed = c.b.and(allowed, range.allows(size));
  return allowed;
}

/** Moves the index registers and the counter on by elements. */
function advanceBy(
  c: InstructionContext,
  elements: Value,
  bytes: number,
  registers: readonly number[],
): void {
  const b = c.b;
  const distance = b.mul(elements, stepOf(c, bytes));
  for (const register of registers) advance(c, register, distance);
  c.setGpr(Gpr.rcx, b.sub(counter(c), elements), addressBytes(c));
}

/** Tries the chunk as one bulk operation, and ends the run if that was possible. */
function bulk(
  c: InstructionContext,
  bytes: number,
  chunk: Value,
  ranges: readonly Range[],
  operation: (size: Value, step: Value) => Value,
): void {
  const b = c.b;
  const size = b.mul(chunk, bytes);
  b.if(isAllowed(c, size, ranges), () => {
    b.if(operation(size, stepOf(c, bytes)), () => {
      advanceBy(c, chunk, bytes, ranges.length === 2 ? [Gpr.rsi, Gpr.rdi] : [Gpr.rdi]);
      b.if(counter(c), () => b.repeat());
      b.next();
    });
  });
}

function moveString(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(0);
  const element = (step: Value): void => {
    c.write(0, c.read(1));
    advance(c, Gpr.rsi, step);
    advance(c, Gpr.rdi, step);
  };
  if (!isRepeated(c) || bytes === 8) {
    repeat(c, element, bytes, shortChunk(c));
    return;
  }
  b.if(b.eqz(counter(c)), () => b.next());
  const source = rangeOf(c, 1, false);
  const destination = rangeOf(c, 0, true);
  const ranges = [source, destination];
  const chunk = pageChunk(c, ranges, bytes);
  bulk(c, bytes, chunk, ranges, (size, step) =>
    b.call(`copyString${bytes * 8}`, 'i32', source.linear, destination.linear, size, step),
  );
  repeat(c, element, bytes, () => chunk);
}

function storeString(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(0);
  const element = (step: Value): void => {
    c.write(0, c.read(1));
    advance(c, Gpr.rdi, step);
  };
  if (!isRepeated(c) || bytes === 8) {
    repeat(c, element, bytes, shortChunk(c));
    return;
  }
  b.if(b.eqz(counter(c)), () => b.next());
  const range = rangeOf(c, 0, true);
  const chunk = pageChunk(c, [range], bytes);
  const value = c.read(1);
  const pattern = bytes === 4 ? value : b.mul(value, bytes === 1 ? 0x0101_0101 : 0x0001_0001);
  bulk(c, bytes, chunk, [range], (size, step) =>
    b.call(`fillString${bytes * 8}`, 'i32', range.linear, size, step, pattern),
  );
  repeat(c, element, bytes, () => chunk);
}

function loadString(c: InstructionContext): void {
  const element = (step: Value): void => {
    c.write(0, c.read(1));
    advance(c, Gpr.rsi, step);
  };
  repeat(c, element, c.bytes(1), shortChunk(c));
}

/** Compares two operands, in the order in which processors read them: it decides between faults. */
function compareElements(c: InstructionContext, bytes: number): void {
  const left = c.read(0);
  const right = c.read(1);
  c.flags.sub(left, right, c.b.sub(left, right), bytes);
}

/**
 * Elements up to the first that ends the repetition, by a function that counts those before it; the
 * flags are of the last element. Where it cannot, elements do the chunk.
 */
function search(
  c: InstructionContext,
  bytes: number,
  registers: readonly number[],
  ranges: readonly Range[],
  find: (chunk: Value, step: Value, ends: Value) => Value,
): void {
  const b = c.b;
  const step = stepOf(c, bytes);
  const element = (by: Value): void => {
    compareElements(c, bytes);
    for (const register of registers) advance(c, register, by);
  };
  if (!isRepeated(c) || bytes === 8) {
    repeat(c, element, bytes, shortChunk(c), whileEqual(c));
    return;
  }
  b.if(b.eqz(counter(c)), () => b.next());
  const chunk = pageChunk(c, ranges, bytes);
  b.if(isAllowed(c, b.mul(chunk, bytes), ranges), () => {
    const before = find(chunk, step, b.i32(c.info.repne ? 1 : 0));
    b.if(b.ne(before, notInBulk), () => {
      // The last element is compared as any: where it is was read just now.
      const others = b.select(b.ltU(before, chunk), before, b.sub(chunk, 1));
      advanceBy(c, others, bytes, registers);
      element(step);
      c.setGpr(Gpr.rcx, b.sub(counter(c), 1), addressBytes(c));
      const rest = b.ne(counter(c), 0);
      b.if(b.and(rest, whileEqual(c)()), () => b.repeat());
      b.next();
    });
  });
  repeat(c, element, bytes, () => chunk, whileEqual(c));
}

function compareString(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(0);
  const [source, destination] = [rangeOf(c, 0, false), rangeOf(c, 1, true)];
  const name = `compareString${bytes * 8}`;
  search(c, bytes, [Gpr.rsi, Gpr.rdi], [source, destination], (chunk, step, ends) =>
    b.call(name, 'i32', source.linear, destination.linear, chunk, step, ends),
  );
}

function scanString(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(0);
  const range = rangeOf(c, 1, true);
  search(c, bytes, [Gpr.rdi], [range], (chunk, step, ends) =>
    b.call(`scanString${bytes * 8}`, 'i32', range.linear, chunk, step, c.read(0), ends),
  );
}

/**
 * I/O permission, then the memory, are checked before the port is touched; permission even for no
 * element at all, as processors and QEMU have it.
 */
function inputString(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(0);
  b.callout(Callout.portCheck, c.gpr(Gpr.rdx, 2), b.i32(bytes));
  const element = (step: Value): void => {
    const port = c.gpr(Gpr.rdx, 2);
    const linear = c.linear(0, bytes, true);
    b.guestProbe(bytes, linear);
    b.callout(Callout.portIn, port, b.i32(bytes));
    const store = bytes === 1 ? 'i32.store8' : bytes === 2 ? 'i32.store16' : 'i32.store';
    b.guestStore(store, linear, transferred(c, bytes));
    advance(c, Gpr.rdi, step);
  };
  repeat(c, element, bytes, shortChunk(c));
}

function outputString(c: InstructionContext): void {
  const b = c.b;
  const bytes = c.bytes(1);
  b.callout(Callout.portCheck, c.gpr(Gpr.rdx, 2), b.i32(bytes));
  const element = (step: Value): void => {
    const port = c.gpr(Gpr.rdx, 2);
    const value = c.read(1);
    b.callout(Callout.portOut, port, b.i32(bytes), value);
    advance(c, Gpr.rsi, step);
  };
  repeat(c, element, bytes, shortChunk(c));
}

const all = (names: string, semantics: Semantics): SemanticsTable =>
  Object.fromEntries(names.split(' ').map((name) => [name, semantics]));

/** MOVS, STOS, LODS, CMPS, SCAS, INS, OUTS. */
export const strings: SemanticsTable = {
  ...all('MOVSB MOVSW', moveString),
  ...all('STOSB STOSW', storeString),
  ...all('LODSB LODSW', loadString),
  ...all('CMPSB CMPSW', compareString),
  ...all('SCASB SCASW', scanString),
  ...all('INSB INSW', inputString),
  ...all('OUTSB OUTSW', outputString),
};
