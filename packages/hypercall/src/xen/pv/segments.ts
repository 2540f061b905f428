/**
 * Segments of a paravirtual guest by their selectors, read from the tables that it gave (Xen,
 * arch/x86/pv/emul-priv-op.c, "pv_emul_read_segment"; SDM 3A 3.4.5).
 */
import { pageBytes } from '@ringfence/memory';
import type { PvGuest } from './guest.ts';
import { FrameField } from './traps.ts';
import type { TrapFrame } from './traps.ts';

/** A present code or data segment. */
export interface GuestSegment {
  readonly base: number;
  readonly limit: number;
  readonly isCode: boolean;
  /** Whether it may be written, or, of code, read. */
  readonly isOpen: boolean;
}

/** Selectors of Xen's own segments that guests use, without their level: code, and data. */
const flatCode: ReadonlySet<number> = new Set([0xe018, 0xe028]);
const flatData: ReadonlySet<number> = new Set([0xe020, 0xe030]);
const isPresent = 0x8000;
const isCodeOrData = 0x1000;
const isCode = 0x800;
const isOpen = 0x200;
const isLarge = 0x80_0000;

/** Returns a segment; nothing for a selector that leads to none. */
export function readSegment(guest: PvGuest, selector: number): GuestSegment | undefined {
  const at = selector & 0xfff8;
  const isLocal = (selector & 4) !== 0;
  const flat = { base: 0, limit: 0xffff_ffff, isOpen: true };
  if (!isLocal && flatCode.has(at)) {
    return { ...flat, isCode: true };
  }
  if (!isLocal && flatData.has(at)) {
    return { ...flat, isCode: false };
  }
  const page = Math.floor(at / pageBytes);
  const frame = isLocal ? guest.ldt.frame(page) : guest.gdt[page];
  const isBeyond = isLocal && !guest.ldt.has(selector >>> 3);
  if (frame === undefined || (selector & 0xfffc) === 0 || isBeyond) {
    return undefined;
  }
  const { memory } = guest.domain.services;
  const physical = frame * pageBytes + (at % pageBytes);
  const [low, high] = [memory.read32(physical), memory.read32(physical + 4)];
  if ((high & isPresent) === 0 || (high & isCodeOrData) === 0) {
    return undefined;
  }
  const units = (high & 0xf_0000) | (low & 0xffff);
  return {
    base: ((high & 0xff00_0000) | ((high & 0xff) << 16) | (low >>> 16)) >>> 0,
    limit: (high & isLarge) === 0 ? units : units * pageBytes + 0xfff,
    isCode: (high & isCode) !== 0,
    isOpen: (high & isOpen) !== 0,
  };
}

/** Linear address of the instruction at which a guest trapped. */
export function codeLinear(guest: PvGuest, frame: TrapFrame): number {
  const base = readSegment(guest, frame.get(FrameField.cs))?.base ?? 0;
  return (base + frame.get(FrameField.eip)) >>> 0;
}
