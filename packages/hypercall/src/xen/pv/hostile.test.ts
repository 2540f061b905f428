import { describe, expect, it } from 'vitest';

import { numbersFrom } from '../../test-host.ts';
import { DomainId, XenCallNumber } from '../constants.ts';
import { xenFrames } from '../xen-frames.ts';
import { begun } from './test-begun.ts';
import { checkPages } from './test-checker.ts';
import { FrameField } from './traps.ts';

const pageBytes = 4096;
const self = 0x7ff0;
const { mmuUpdate, mmuextOp, updateVaMapping, setGdt, updateDescriptor } = XenCallNumber;

/** Stores to memory, as bytes up to where an operand may follow. */
const stores: readonly (readonly number[])[] = [
  ...[
    [0x89, 0x03],
    [0x88, 0x03],
    [0x66, 0x89, 0x03],
    [0xc7, 0x03],
    [0x87, 0x03],
    [0xf7, 0x13],
  ],
  ...[[0x01, 0x03], [0x83, 0x23], [0xf0, 0x0f, 0xb1, 0x0b], [0xf0, 0x0f, 0xc7, 0x0b], [0xab]],
  ...[[0xf3, 0xab], [0xa5], [0xf0, 0x0f, 0xab, 0x03], [0x0f, 0xba, 0x3b], [0x0f, 0xc1, 0x03]],
];
/** Instructions of ring 0: control and debug registers, MSRs, ports, flags. */
const privileged: readonly (readonly number[])[] = [
  ...[
    [0x0f, 0x22],
    [0x0f, 0x20],
    [0x0f, 0x23],
    [0x0f, 0x21],
    [0x0f, 0x30],
    [0x0f, 0x32],
  ],
  ...[[0x0f, 0x06], [0x0f, 0x01], [0xfa], [0xfb], [0xe4], [0xe6], [0xee], [0xed], [0xf3, 0x6c]],
  ...[
    [0xf3, 0x6e],
    [0x66, 0x67, 0x6d],
    [0x0f, 0x08],
    [0x0f, 0x09],
    [0x0f, 0xa2],
  ],
];

describe('a hostile paravirtual guest', () => {
  const calls = Number(process.env['RINGFENCE_FUZZ_CALLS'] ?? 60_000);

  it('never makes page types and page tables disagree', { timeout: 3_600_000 }, () => {
    const guest = begun();
    for (const vector of [1, 6, 12, 13, 14]) {
      guest.abi.guest.traps[vector] = { selector: 0xe019, address: 0x1000, level: 0, masks: true };
    }
    const { memory, abi, info, call, put, argumentsAt, firstFrame, pages, domain, cr2 } = guest;
    const { trap, setField } = guest;
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
        const owner = below(8) === 0 ? DomainId.io : self;
        return call(mmuUpdate, put(argumentsAt, at, 0, entry(), 0), 1, 0, owner);
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
        put(argumentsAt + 68, below(4096));
        const [order, other] = [below(2), below(2)];
        const lists = [argumentsAt + 64, 1, order, 0, self, argumentsAt + 68, 1, other, 0, self];
        return call(XenCallNumber.memoryOp, 11, put(argumentsAt, ...lists, 0));
      },
      () => grants(below),
      // Events: ports, and queues of them in pages of the guest's.
      () => {
        const op = [4, 7, 9, 10, 11, 12, 13][below(7)] ?? 0;
        const first = [7, 4, 9, 13].includes(op) ? below(op === 7 ? 1 : 12) : frame();
        const words = op === 10 ? [self] : [first, op === 13 ? below(17) : 0, below(4) * 64, 0];
        return call(XenCallNumber.eventChannelOp, op, put(argumentsAt, ...words, 0, 0));
      },
      // Callbacks, NMIs, and a way back to whatever stands on the stack.
      () => {
        const [type, at] = [below(9), argumentsAt + 16];
        put(argumentsAt, type | (below(2) << 16), 0xe019, at);
        return call(XenCallNumber.callbackOp, below(2), argumentsAt);
      },
      () => call(XenCallNumber.vcpuOp, 11, 0, 0),
      () => {
        const place = put(argumentsAt, frame(), 0, below(63) * 64);
        return call(XenCallNumber.vcpuOp, 10, 0, place);
      },
      () => call(XenCallNumber.vmAssist, below(2), below(6)),
      () => {
        setField(FrameField.esp, argumentsAt);
        const selectors = [0xe019, 0xe02b, 0xe021, 0xe033, 0, 9, 13];
        const selector = (): number => selectors[below(selectors.length)] ?? 0;
        const flags = next() & (below(4) === 0 ? -1 : ~0x2_0000);
        put(argumentsAt, 1, 0x1000, selector(), flags, argumentsAt + 0x800, selector());
        return call(XenCallNumber.iret);
      },
      // A store to a page table, or an instruction of ring 0, which trap.
      () => {
        const code = argumentsAt + 128;
        const isStore = below(2) === 0;
        const list = isStore ? stores : privileged;
        const bytes = [...(list[below(list.length)] ?? []), next() & 0xff, next() & 0xff];
        for (const [index, byte] of bytes.entries()) memory.write8(code + index, byte);
        const { eax, ebx, ecx, edx, esi, edi } = FrameField;
        const registers = [eax, ebx, ecx, edx, esi, edi];
        for (const field of registers) setField(field, below(3) === 0 ? next() : entry());
        const isLdt = below(8) === 0;
        const place = isLdt ? 0xfc02_0000 : 0xc000_0000;
        cr2.value = place + below(isLdt ? 17 : 1024) * pageBytes + below(4096);
        setField(FrameField.cs, 0xe019);
        setField(FrameField.eip, code);
        setField(FrameField.esp, argumentsAt + 0x800);
        setField(FrameField.error, isStore ? 3 : 0);
        trap(isStore ? 14 : 13);
        return 0;
      },
      () => {
        // The guest writes to a page that it may write.
        const one = frame();
        if (abi.guest.mayTouch(one, true)) put(one * pageBytes + below(512) * 8, entry(), 0);
        return 0;
      },
    ];
    const grants = (pick: (limit: number) => number): number => {
      const table = domain.frame(xenFrames.grants);
      const place = 0xc000_0000 + pick(1024) * pageBytes;
      const entry = firstFrame * pageBytes + pick(64) * pageBytes + pick(512) * 8 + pick(2);
      put(table + pick(16) * 8, pick(8) | (DomainId.guest << 16), frame());
      const flags = pick(32);
      const at = (flags & 0x10) === 0 ? place : entry;
      switch (pick(5)) {
        case 0:
          put(argumentsAt, at, 0, flags, pick(16), DomainId.guest, 0, 0, 0);
          return call(XenCallNumber.grantTableOp, 0, argumentsAt, 1);
        case 1:
          put(argumentsAt, at, 0, pick(2), 0, pick(8), 0);
          return call(XenCallNumber.grantTableOp, 1, argumentsAt, 1);
        case 2:
          put(argumentsAt, place, 0, 0xc000_0000 + pick(1024) * pageBytes, 0, pick(8), 0);
          return call(XenCallNumber.grantTableOp, 7, argumentsAt, 1);
        case 3:
          return call(XenCallNumber.grantTableOp, 4, put(argumentsAt, frame(), pick(8), 0, 0), 1);
        default:
          put(argumentsAt, pick(16), DomainId.guest, frame(), self, 8 | (1 << 16), 0);
          return call(XenCallNumber.grantTableOp, 5, argumentsAt, 1);
      }
    };
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
