/**
 * String instructions: SDM vol. 1, 7.3.9; vol. 2, REP.
 *
 * One run of a handler does a *chunk* of a repeated instruction and then ends with `repeat` while
 * elements are left, so that interrupts are taken between chunks. How many elements a chunk has
 * depends on registers only, never on how the memory behind them behaves, so that counted
 * instructions are the same in every run. Registers are stored after each element: a fault in the
 * middle leaves the state of the elements before.
 */
import { CpuState, Gpr, SegmentRegister } from '@ringfence/memory';
import type { LoopHandle } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
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

/** A memory operand of a bulk operation. */
interface Range {
  readonly offset: Value;
  readonly linear: Value;
  /** Whether `size` bytes from here are inside of the segment and do not wrap. */
  readonly allows: (size: Value) => Value;
}

function rangeOf(c: InstructionContext, index: number, destination: boolean): Range {
  const b = c.b;
  const flat = destination ? c.info.flatStack : c.info.flat;
  const offset = c.effectiveAddress(index);
  const segment = destination ? segmentAddress(SegmentRegister.es) : c.source.segment();
  const wraps = (size: Value): Value =>
    c.info.addressSize === 16 ? b.gtU(b.add(offset, size), 0x10000) : b.i32(0);
  return {
    offset,
    linear: flat ? offset : c.segments.based(segment, offset),
    allows: (size) => {
      const inside = flat ? b.i32(1) : c.segments.allows(segment, offset, size, destination);
      return b.and(inside, b.eqz(wraps(size)));
    },
  };
}

/** Elements from a linear address up to the end of its page, at least 1. */
function roomOf(c: InstructionContext, linear: Value, bytes: number): Value {
  const b = c.b;
  const left = b.sub(b.i32(pageBytes), b.and(linear, pageBytes - 1));
  const elements = b.shrU(left, bytes === 8 ? 3 : bytes >> 1);
  return b.select(elements, elements, b.i32(1));
}

/**
 * Elements of the next chunk of MOVS and STOS: forward up to the next page border of the operands,
 * so that one bulk operation can do it.
 */
function pageChunk(c: InstructionContext, ranges: readonly Range[], bytes: number): Value {
  const b = c.b;
  const count = counter(c);
  let forward = count;
  for (const range of ranges) forward = minimum(c, forward, roomOf(c, range.linear, bytes));
  return oneIfTrapped(c, b.select(direction(c), minimum(c, count, b.i32(chunkElements)), forward));
}

/** Tries the chunk as one bulk operation, and ends the run if that was possible. */
function bulk(
  c: InstructionContext,
  bytes: number,
  chunk: Value,
  ranges: readonly Range[],
  operation: (size: Value) => Value,
): void {
  const b = c.b;
  const size = b.mul(chunk, bytes);
  let allowed = b.eqz(direction(c));
  for (const range of ranges) allowed = b.and(allowed, range.allows(size));
  b.if(allowed, () => {
    b.if(operation(size), () => {
      if (ranges.length === 2) advance(c, Gpr.rsi, size);
      advance(c, Gpr.rdi, size);
      const left = b.sub(counter(c), chunk);
      c.setGpr(Gpr.rcx, left, addressBytes(c));
      b.if(left, () => b.repeat());
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
  if (!isRepeated(c)) {
    element(stepOf(c, bytes));
    return;
  }
  b.if(b.eqz(counter(c)), () => b.next());
  const source = rangeOf(c, 1, false);
  const destination = rangeOf(c, 0, true);
  const ranges = [source, destination];
  const chunk = pageChunk(c, ranges, bytes);
  bulk(c, bytes, chunk, ranges, (size) =>
    b.call('copyString', 'i32', source.linear, destination.linear, size),
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
  const ranges = [rangeOf(c, 0, true)];
  const chunk = pageChunk(c, ranges, bytes);
  const value = c.read(1);
  const pattern = bytes === 4 ? value : b.mul(value, bytes === 1 ? 0x0101_0101 : 0x0001_0001);
  bulk(c, bytes, chunk, ranges, (size) =>
    b.call('fillString', 'i32', (ranges[0] as Range).linear, size, pattern),
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

function compareString(c: InstructionContext): void {
  const bytes = c.bytes(0);
  const element = (step: Value): void => {
    // The destination first, as processors do: it decides which of two faults there is.
    const right = c.read(1);
    const left = c.read(0);
    c.flags.sub(left, right, c.b.sub(left, right), bytes);
    advance(c, Gpr.rsi, step);
    advance(c, Gpr.rdi, step);
  };
  repeat(c, element, bytes, shortChunk(c), whileEqual(c));
}

function scanString(c: InstructionContext): void {
  const bytes = c.bytes(0);
  const element = (step: Value): void => {
    const right = c.read(1);
    const left = c.read(0);
    c.flags.sub(left, right, c.b.sub(left, right), bytes);
    advance(c, Gpr.rdi, step);
  };
  repeat(c, element, bytes, shortChunk(c), whileEqual(c));
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
