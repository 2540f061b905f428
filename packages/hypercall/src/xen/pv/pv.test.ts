import { describe, expect, it } from 'vitest';

import { numbersFrom } from '../../test-host.ts';
import { XenCallNumber, XenError } from '../constants.ts';
import { makePvGuest } from '../test-guest.ts';
import { PageType } from './page-info.ts';
import { checkPages } from './test-checker.ts';
import { FrameField } from './traps.ts';

const pageBytes = 4096;
const self = 0x7ff0;
const { mmuUpdate, mmuextOp, updateVaMapping, setGdt, updateDescriptor } = XenCallNumber;

/** A guest that has begun, with a page of its own for arguments and a few that nothing maps. */
function begun() {
  const guest = makePvGuest();
  guest.trap(0);
  const argumentsAt = (guest.firstFrame + 1) * pageBytes;
  const spare = guest.firstFrame + guest.pages - 1;
  const update = (address: number, low: number, high: number = 0): number =>
    guest.call(mmuUpdate, guest.put(argumentsAt, address, 0, low, high), 1, 0, self);
  const extend = (command: number, first: number, second: number = 0): number =>
    guest.call(mmuextOp, guest.put(argumentsAt, command, first, second), 1, 0, self);
  /** Machine address of the first-level entry for a linear address. */
  const leaf = (linear: number): number => {
    const [frame = 0, index = 0] = guest.abi.guest.findLeaf(linear) ?? [];
    return frame * pageBytes + index * 8;
  };
  return { ...guest, argumentsAt, spare, update, extend, leaf };
}

describe('a paravirtual guest', () => {
  it('begins in ring 1 at its entry with ESI on start_info', () => {
    const { start, abi, memory, field, firstFrame, pages } = begun();
    expect(typeof start).toBe('number');
    expect(field(FrameField.cs)).toBe(0xe019);
    expect(field(FrameField.eip)).toBe(0xc000_0000);
    const info = field(FrameField.esi) - 0xc000_0000 + firstFrame * pageBytes;
    const magic = String.fromCharCode(...memory.bytes.subarray(info, info + 15));
    expect([magic, memory.read32(info + 32)]).toEqual(['xen-3.0-x86_32p', pages]);
    expect(checkPages(abi.guest, memory)).toEqual([]);
  });

  it('may not map a page table for writing, by any call', () => {
    const { abi, call, update, leaf, info } = begun();
    const table = abi.guest.base;
    expect(info.type(table)).toBe(PageType.l3);
    const entry = table * pageBytes + 3;
    expect(call(updateVaMapping, 0xc000_0000, entry, 0, 0)).toBe(-XenError.busy);
    expect(update(leaf(0xc000_0000), entry)).toBe(-XenError.busy);
    expect(call(updateVaMapping, 0xc000_0000, entry & ~2, 0, 0)).toBe(0);
  });

  it('may not map memory that is not its own', () => {
    const { call, firstFrame, domain } = begun();
    for (const frame of [0, firstFrame - 1, domain.frame(37) / pageBytes, 0xf_ffff]) {
      const entry = frame * pageBytes + 1;
      expect(call(updateVaMapping, 0xc000_0000, entry, 0, 0)).toBe(-XenError.invalid);
    }
  });

  it('may map the shared page for writing, and the table of machine frames to read', () => {
    const { call, shared, abi } = begun();
    expect(call(updateVaMapping, 0xc000_0000, shared + 3, 0, 0)).toBe(0);
    const [machine] = abi.guest.area.machineFrames;
    expect(call(updateVaMapping, 0xc000_0000, machine * pageBytes + 1, 0, 0)).toBe(0);
    expect(call(updateVaMapping, 0xc000_0000, machine * pageBytes + 3, 0, 0)).toBe(
      -XenError.notPermitted,
    );
  });

  it('may not pin a page that it can write, and can once it does not map it so', () => {
    const { call, extend, firstFrame, abi, memory } = begun();
    expect(extend(0, firstFrame)).toBe(-XenError.invalid);
    expect(call(updateVaMapping, 0xc000_0000, firstFrame * pageBytes + 1, 0, 0)).toBe(0);
    memory.write(firstFrame * pageBytes, new Uint8Array(pageBytes));
    expect(extend(0, firstFrame)).toBe(0);
    expect(call(updateVaMapping, 0xc000_0000, firstFrame * pageBytes + 3, 0, 0)).toBe(
      -XenError.busy,
    );
    expect(extend(4, firstFrame)).toBe(0);
    expect(checkPages(abi.guest, memory)).toEqual([]);
  });

  it("may not change Xen's entries of the top table", () => {
    const { abi, memory, update } = begun();
    const top = memory.read32(abi.guest.base * pageBytes + 24) & -pageBytes;
    const before = memory.read32(top + 480 * 8);
    expect(update(top + 480 * 8, 0)).toBe(-XenError.invalid);
    expect(memory.read32(top + 480 * 8)).toBe(before);
  });

  it('gets descriptors of ring 0 as such of ring 1, and no gates of ring 0', () => {
    const { call, put, spare, memory, argumentsAt } = begun();
    const at = spare * pageBytes;
    expect(call(updateDescriptor, at, 0, 0xffff, 0x00cf_9a00)).toBe(0);
    expect((memory.read32(at + 4) >>> 8) & 0xff).toBe(0xbb);
    put(at + 8, 0x0008_0000, 0x0000_8e00);
    put(argumentsAt, spare);
    expect(call(setGdt, argumentsAt, 512)).toBe(-XenError.invalid);
    put(at + 8, 0, 0);
    expect(call(setGdt, argumentsAt, 512)).toBe(0);
    expect(call(updateVaMapping, 0xc000_0000, at + 3, 0, 0)).toBe(-XenError.busy);
  });

  it('is entered at its handler with what the trap left on its stack', () => {
    const { trap, setField, field, memory, abi, spare, domain } = begun();
    abi.guest.traps[13] = { selector: 0xe019, address: 0x1000, level: 0, masks: true };
    setField(FrameField.cs, 0xe019);
    setField(FrameField.eip, 0x2000);
    setField(FrameField.esp, spare * pageBytes + 64);
    setField(FrameField.error, 0x18);
    domain.shared.upcallMasked = false;
    trap(13);
    expect([field(FrameField.eip), field(FrameField.esp)]).toEqual([
      0x1000,
      spare * pageBytes + 48,
    ]);
    expect([0, 4, 8].map((offset) => memory.read32(spare * pageBytes + 48 + offset))).toEqual([
      0x18, 0x2000, 0xe019,
    ]);
    expect(domain.shared.upcallMasked).toBe(true);
  });

  it('crashes at a trap without a handler, and the host does not', () => {
    const { trap, host } = begun();
    trap(14);
    expect(host.shutdowns).toEqual(['crash']);
    expect(host.said).toContain('no handler for vector 14');
  });

  it('waits in sched_op block until an event comes', () => {
    const { call, trap, host, domain } = begun();
    domain.shared.upcallMasked = true;
    call(XenCallNumber.setTimerOp, 5_000_000, 0);
    const argumentsAt = 17 * pageBytes;
    host.memory.write32(argumentsAt, 0);
    host.memory.write32(argumentsAt + 4, 0);
    expect(call(XenCallNumber.eventChannelOp, 1, argumentsAt)).toBe(0);
    call(XenCallNumber.schedOp, 1, 0);
    expect(trap(0x82)).toBe(2);
    host.advance(6_000_000);
    expect(trap(0x82)).toBe(0);
  });
});

describe('a hostile paravirtual guest', () => {
  const calls = Number(process.env['RINGFENCE_FUZZ_CALLS'] ?? 60_000);

  it('never makes page types and page tables disagree', { timeout: 3_600_000 }, () => {
    const guest = begun();
    const { memory, abi, info, call, put, argumentsAt, firstFrame, pages } = guest;
    const next = numbersFrom(4711);
    const below = (limit: number): number => next() % limit;
    const tables = (): number => {
      const base = abi.guest.base;
      const second = memory.read32(base * pageBytes + 24) >>> 12;
      const first = memory.read32(second * pageBytes + below(2) * 8) >>> 12;
      return [base, second, first, firstFrame + 2 + below(24)][below(4)] ?? 0;
    };
    const frame = (): number => (below(4) === 0 ? tables() : firstFrame + 2 + below(40));
    const entry = (): number => {
      const odd = below(16) === 0 ? below(info.frames) : frame();
      return odd * pageBytes + ([0, 1, 3, 7, 0x63, 0x67, 0x83, 0x101][below(8)] ?? 0);
    };
    const structured: readonly (() => number)[] = [
      () => call(updateVaMapping, 0xc000_0000 + below(1024) * pageBytes, entry(), 0, 0),
      () => {
        const at = frame() * pageBytes + below(512) * 8 + (below(8) === 0 ? below(8) : 0);
        return call(mmuUpdate, put(argumentsAt, at, 0, entry(), 0), 1, 0, self);
      },
      () => call(mmuextOp, put(argumentsAt, below(6), frame(), 0), 1, 0, self),
      () =>
        call(
          mmuextOp,
          put(argumentsAt, 13, 0xc000_0000 + below(40) * pageBytes, below(600)),
          1,
          0,
          self,
        ),
      () => call(mmuextOp, put(argumentsAt, 16 + below(2), frame(), frame()), 1, 0, self),
      () => call(setGdt, put(argumentsAt, frame(), frame()), below(1100)),
      () => call(updateDescriptor, frame() * pageBytes + below(512) * 8, 0, next(), next()),
      () => call(XenCallNumber.memoryOp, 1, put(argumentsAt, argumentsAt + 64, 1, 0, 0, self)),
      () => call(XenCallNumber.memoryOp, 6, put(argumentsAt, argumentsAt + 64, 1, 0, 0, self)),
      () => {
        // The guest writes to a page that it may write.
        const one = frame();
        if (abi.guest.mayTouch(one, true)) put(one * pageBytes + below(512) * 8, entry(), 0);
        return 0;
      },
    ];
    const results = new Map<string, number>();
    for (let count = 1; count <= calls; count += 1) {
      memory.write32(argumentsAt + 64, frame());
      const isWild = below(8) === 0;
      const result = isWild
        ? call(below(48), next(), next(), next(), next(), next(), next())
        : (structured[below(structured.length)]?.() ?? 0);
      const kind = isWild ? 'wild' : result < 0 ? 'refused' : 'done';
      results.set(kind, (results.get(kind) ?? 0) + 1);
      abi.guest.leaveTables();
      if (count % 1000 === 0) {
        expect(checkPages(abi.guest, memory), `after ${String(count)} calls`).toEqual([]);
      }
    }
    // The fuzzer does not only knock: a good part of its calls do something.
    expect(results.get('done') ?? 0).toBeGreaterThan(calls / 20);
    expect(results.get('refused') ?? 0).toBeGreaterThan(calls / 20);
    expect(pages).toBeGreaterThan(0);
  });
});
