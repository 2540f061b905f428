/** Pages of a translated guest that it moves to other frames (XENMAPSPACE_gmfn). */
import { describe, expect, it } from 'vitest';

import { numbersFrom } from '../test-host.ts';
import { DomainId, XenCallNumber, XenError } from './constants.ts';
import { saveDomain, restoreDomain } from './domain-state.ts';
import { mostMovedPages, PlacedPages } from './placed-pages.ts';
import { makeHvmGuest, TestXenMemory } from './test-guest.ts';
import { xenFrames } from './xen-frames.ts';

const at = 0x1000;
const nothing = -1;
const page = (frame: number): number => frame * 4096;

function made() {
  const guest = makeHvmGuest();
  const { call, put, memory, domain } = guest;
  const add = (space: number, index: number, frame: number, size = 0): number =>
    call(XenCallNumber.memoryOp, 7, put(at, DomainId.self | (size << 16), space, index, frame));
  const move = (from: number, to: number): number => add(2, from, to);
  const shown = (...frames: readonly number[]): readonly (number | undefined)[] =>
    frames.map((frame) => memory.aliases.get(page(frame)));
  const end = domain.frame(xenFrames.shared) / 4096;
  return { ...guest, add, move, shown, end };
}

describe('a page that is moved', () => {
  it('stands at its new frame alone, and at its own again when it goes back', () => {
    const { move, shown } = made();
    expect([move(20, 21), ...shown(20, 21)]).toEqual([0, nothing, page(20)]);
    expect(move(20, 22)).toBe(-XenError.invalid);
    expect([move(21, 23), ...shown(20, 21, 23)]).toEqual([0, nothing, undefined, page(20)]);
    expect([move(23, 20), ...shown(20, 21, 23)]).toEqual([0, undefined, undefined, undefined]);
    expect([move(20, 20), ...shown(20)]).toEqual([0, undefined]);
  });

  it('covers what stood there, also one of those of the hypervisor', () => {
    const { move, shown, add, domain } = made();
    expect([add(0, 0, 21), ...shown(21)]).toEqual([0, domain.shared.page]);
    expect([move(20, 21), ...shown(20, 21)]).toEqual([0, nothing, page(20)]);
    expect(domain.placed.frameOf(domain.shared.page)).toBeUndefined();
    expect([add(0, 0, 21), ...shown(20, 21)]).toEqual([0, undefined, domain.shared.page]);
    expect(move(21, 22)).toBe(-XenError.invalid);
  });

  it('is taken away as any other, and is at its own frame then', () => {
    const { move, shown, call, put } = made();
    move(20, 21);
    expect(call(XenCallNumber.memoryOp, 15, put(at, DomainId.self, 21))).toBe(0);
    expect(shown(20, 21)).toEqual([undefined, undefined]);
  });

  it('can be one of a range', () => {
    const { add, shown, end } = made();
    expect([add(3, 20, 40, 3), ...shown(20, 22, 40, 42)]).toEqual([
      0,
      nothing,
      nothing,
      page(20),
      page(22),
    ]);
    expect(add(3, end - 1, 50, 2)).toBe(-XenError.invalid);
  });

  it('stands there after a restore', () => {
    const { move, shown, domain } = made();
    move(20, 21);
    const saved = saveDomain(domain);
    domain.placed.reset();
    expect(shown(20, 21)).toEqual([undefined, undefined]);
    restoreDomain(domain, saved);
    expect(shown(20, 21)).toEqual([nothing, page(20)]);
  });
});

describe('pages that are moved at random', () => {
  it('stand at one frame each, and no more of them than there may be', () => {
    const memory = new TestXenMemory(0x100_0000);
    const frames = 0x800;
    const pages = new PlacedPages(memory, page(frames));
    const next = numbersFrom(77);
    for (let count = 0; count < 20_000; count += 1) {
      pages.move(next() % frames, next() % frames);
      if (next() % 8 === 0) pages.unplace(next() % frames);
    }
    expect(pages.list.length).toBeLessThanOrEqual(mostMovedPages);
    expect(pages.list.length).toBeGreaterThan(0);
    const shown = Array.from({ length: frames }, (_nothing, frame) => {
      return memory.aliases.get(page(frame)) ?? page(frame);
    }).filter((one) => one !== nothing);
    expect(new Set(shown).size).toBe(shown.length);
  });
});
