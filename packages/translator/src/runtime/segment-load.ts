/**
 * Loads of DS, ES, FS and GS in protected mode (SDM 2B MOV, 3A 5.6), as far as nothing has to be
 * told to anybody: 0, with nothing changed, leaves them to the host.
 *
 * Hot: a 32-bit kernel loads eight of them per entry; measured by tools/bench (fork-exec, ls-sys).
 */
import { CodeMode, CpuState, SegmentField, SegmentRegister } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import {
  attributesOf,
  baseOf,
  type Descriptor,
  levelOf,
  limitOf,
  readDescriptor,
  refuseIf,
  setNull,
  setSegment,
} from './descriptor.ts';
import type { RuntimeFunction } from './runtime-function.ts';

const protectionEnable = 1;
const virtual8086 = 1 << 17;

/** Type bits in a descriptor's second doubleword. */
const typeBits = { readable: 0x200, expandsDown: 0x400, code: 0x800, conforming: 0xc00 } as const;

/** DS and ES are part of `CodeMode.flat`, FS and GS are not. */
function isInCodeMode(b: IrBuilder, register: Value): Value {
  return b.ltU(register, SegmentRegister.fs);
}

/** Refuses a selector that CPL and RPL do not allow; conforming code is for all. */
function refuseLevel(b: IrBuilder, selector: Value, descriptor: Descriptor): void {
  const dpl = levelOf(b, descriptor);
  const low = b.or(b.ltU(dpl, b.load('i32.load', CpuState.cpl)), b.ltU(dpl, b.and(selector, 3)));
  const isConforming = b.eq(b.and(descriptor.high, typeBits.conforming), typeBits.conforming);
  refuseIf(b, b.and(low, b.eqz(isConforming)));
}

/** Whether the segment register at an offset has base 0 and every offset readable and writable. */
function isFlat(b: IrBuilder, address: Value): Value {
  const field = (name: keyof typeof SegmentField): Value =>
    b.load('i32.load', CpuState.segments + SegmentField[name], address);
  const first = b.or(field('readFirst'), field('writeFirst'));
  return b.eqz(b.or(b.or(field('base'), first), b.not(field('readLast'))));
}

/** `register` as in `SegmentRegister`; 1 when it is loaded. */
export const loadSegment: RuntimeFunction = {
  name: 'loadSegment',
  parameters: ['i32', 'i32'],
  results: ['i32'],
  build: (b, register, selector) => {
    if (register === undefined || selector === undefined) return;
    const isReal = b.eqz(b.and(b.load('i32.load', CpuState.cr), protectionEnable));
    const isVirtual = b.and(b.load('i32.load', CpuState.eflags), virtual8086);
    refuseIf(b, b.or(isReal, isVirtual));
    refuseIf(b, b.eq(register, SegmentRegister.ss));
    const address = b.shl(register, 5);
    const inMode = isInCodeMode(b, register);
    b.if(b.eqz(b.and(selector, 0xfffc)), () => {
      const flat = b.and(b.load('i32.load', CpuState.codeMode), CodeMode.flat);
      refuseIf(b, b.and(inMode, b.ne(flat, 0)));
      setNull(b, address, selector);
      b.return(b.i32(1));
    });
    const descriptor = readDescriptor(b, selector);
    const { high } = descriptor;
    const kind = b.and(high, typeBits.code | typeBits.readable);
    refuseIf(b, b.eq(kind, typeBits.code));
    const down = b.eq(b.and(high, typeBits.conforming), typeBits.expandsDown);
    refuseIf(b, down);
    refuseLevel(b, selector, descriptor);
    const base = baseOf(b, descriptor);
    const limit = limitOf(b, descriptor);
    const writeFirst = b.select(b.eq(kind, typeBits.readable), b.i32(0), b.i32(-1));
    const flat = b.eqz(b.or(b.or(base, writeFirst), b.not(limit)));
    refuseIf(b, b.and(inMode, b.ne(flat, isFlat(b, address))));
    setSegment(b, address, {
      selector,
      attributes: attributesOf(b, descriptor),
      base,
      limit,
      readFirst: b.i32(0),
      readLast: limit,
      writeFirst,
    });
    b.return(b.i32(1));
  },
};
