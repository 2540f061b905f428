/**
 * Calls of a hostile paravirtual guest, at random but for their shape: most name pages that matter,
 * so that a good part of them does something. Written for tests.
 */
import { pageBytes } from '@ringfence/memory';
import { DomainId, XenCallNumber } from '../constants.ts';
import { Choices } from '../test-choices.ts';
import type { Maker } from '../test-choices.ts';
import { events, grants, ringOfConsole, ringOfStore } from '../test-hostile-common.ts';
import { disks } from '../test-hostile-disk.ts';
import { StubAction } from './hypervisor-area.ts';
import type { BegunGuest } from './test-begun.ts';
import { FrameField } from './traps.ts';

const self = 0x7ff0;
const firstLinear = 0xc000_0000;

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
    [0x0f, 0x34],
  ],
];

type PvChoices = Choices<BegunGuest>;
type PvMaker = Maker<BegunGuest>;

/** A frame: mostly one of a few of the guest's, often a table in use. */
function frameFor(one: PvChoices): number {
  const { memory, abi, firstFrame } = one.guest;
  if (one.below(4) !== 0) {
    return firstFrame + 2 + one.below(40);
  }
  const { base } = abi.guest;
  const second = memory.read32(base * pageBytes + 24) >>> 12;
  const first = memory.read32(second * pageBytes + one.below(2) * 8) >>> 12;
  return one.of([base, second, first, firstFrame + 2 + one.below(24)], base);
}

/** Page tables, descriptors, and pages that change hands. */
const paging: readonly PvMaker[] = [
  (one) => one.call(XenCallNumber.updateVaMapping, one.linear(), one.entry(), 0, 0),
  (one) => {
    const at = one.frame() * pageBytes + one.below(512) * 8 + (one.below(8) === 0 ? 4 : 0);
    const kind = one.of([0, 0, 0, 1, 2, 3, 4], 0);
    const owner = one.below(8) === 0 ? DomainId.io : self;
    const high = one.below(16) === 0 ? one.next() : 0;
    return one.call(XenCallNumber.mmuUpdate, one.put(at | kind, 0, one.entry(), high), 1, 0, owner);
  },
  (one) => one.call(XenCallNumber.mmuextOp, one.put(one.below(6), one.frame(), 0), 1, 0, self),
  (one) => {
    const table = firstLinear + one.below(40) * pageBytes;
    return one.call(XenCallNumber.mmuextOp, one.put(13, table, one.below(600)), 1, 0, self);
  },
  (one) => {
    const words = [6 + one.below(16), one.frame(), one.frame()];
    return one.call(XenCallNumber.mmuextOp, one.put(...words), 1, one.pointer(), self);
  },
  (one) => one.call(XenCallNumber.setGdt, one.put(one.frame(), one.frame()), one.below(1100)),
  (one) => {
    const at = one.frame() * pageBytes + one.below(512) * 8;
    return one.call(XenCallNumber.updateDescriptor, at, 0, one.next(), one.next());
  },
  (one) => {
    const { argumentsAt } = one.guest;
    const op = one.of([0, 1, 6], 1);
    const extents = one.put(argumentsAt + 64, 1, one.below(3), 0, self);
    return one.call(XenCallNumber.memoryOp, op, extents);
  },
  (one) => {
    const { argumentsAt, put } = one.guest;
    put(argumentsAt + 68, one.below(4096));
    const [order, other] = [one.below(2), one.below(2)];
    const lists = [argumentsAt + 64, 1, order, 0, self, argumentsAt + 68, 1, other, 0, self];
    return one.call(XenCallNumber.memoryOp, 11, one.put(...lists, 0));
  },
  (one) => {
    const words = [self | (one.below(4) << 16), one.below(6), one.below(40), one.frame()];
    return one.call(XenCallNumber.memoryOp, one.below(27), one.put(...words, one.pointer()));
  },
  // The guest writes to a page that it may write.
  (one) => {
    const { abi, put } = one.guest;
    const frame = one.frame();
    const isTable = one.below(2) === 0;
    const value = isTable ? one.entry() : one.next();
    const at = frame * pageBytes + one.below(512) * 8;
    if (abi.guest.mayTouch(frame, true)) put(at, value, isTable ? 0 : one.next());
    return 0;
  },
];

/** The virtual CPU's state, instructions that trap, and all that is left. */
const processor: readonly PvMaker[] = [
  ringOfStore,
  ringOfConsole,
  (one) => {
    const { argumentsAt } = one.guest;
    one.put(one.below(9) | (one.below(2) << 16), 0xe019, argumentsAt + 16);
    return one.call(XenCallNumber.callbackOp, one.below(2), argumentsAt);
  },
  (one) => one.call(XenCallNumber.vmAssist, one.below(2), one.below(6)),
  (one) => {
    const { argumentsAt, setField } = one.guest;
    setField(FrameField.esp, argumentsAt);
    const selector = (): number => one.of([0xe019, 0xe02b, 0xe021, 0xe033, 0, 9, 13], 0);
    const flags = one.next() & (one.below(4) === 0 ? -1 : ~0x2_0000);
    one.put(1, 0x1000, selector(), flags, argumentsAt + 0x800, selector());
    return one.call(XenCallNumber.iret);
  },
  trapAtInstruction,
  (one) => one.call(XenCallNumber.setDebugreg, one.below(9), one.of([one.next(), one.frame()], 0)),
  (one) => one.call(XenCallNumber.getDebugreg, one.below(9)),
  (one) => one.call(XenCallNumber.fpuTaskswitch, one.below(2)),
  (one) => {
    const op = one.of([4, 5, 6, 7, 12, 17, 28, one.below(32)], 6);
    const at = one.put(one.of([one.below(5), one.frame(), one.linear()], 0), one.below(70_000));
    return one.call(XenCallNumber.physdevOp, op, at);
  },
  (one) => one.call(XenCallNumber.xenVersion, one.below(12), one.pointer()),
  (one) => {
    const level = one.below(4) | (one.below(2) << 2);
    const vector = one.of([1, 2, 6, 7, 12, 13, 14, 0x80], 14);
    one.put(vector | (level << 8) | (0xe019 << 16), one.guest.argumentsAt + 16, 0, 0);
    return one.call(XenCallNumber.setTrapTable, one.guest.argumentsAt);
  },
  (one) => {
    // Calls in a list, whatever stands there.
    const { argumentsAt, put } = one.guest;
    const list = argumentsAt + 1024;
    for (let index = 0; index < 3; index += 1) {
      const number = one.of([1, 3, 5, 9, 12, 14, 17, 20, 23, 24, 26, 29, 32], 1);
      const args = [one.below(16), one.pointer(), one.below(4), self, 0, 0];
      put(list + index * 32, number, 0, ...args);
    }
    return one.call(XenCallNumber.multicall, list, one.below(4));
  },
];

/** A store to a page table, or an instruction of ring 0, which trap. */
function trapAtInstruction(one: PvChoices): number {
  const { argumentsAt, memory, setField, trap, cr2 } = one.guest;
  const code = argumentsAt + 128;
  const isStore = one.below(2) === 0;
  const bytes = [
    ...one.of(isStore ? stores : privileged, []),
    one.next() & 0xff,
    one.next() & 0xff,
  ];
  for (const [index, byte] of bytes.entries()) memory.write8(code + index, byte);
  const { eax, ebx, ecx, edx, esi, edi } = FrameField;
  for (const field of [eax, ebx, ecx, edx, esi, edi]) {
    setField(field, one.below(3) === 0 ? one.next() : one.entry());
  }
  const isLdt = one.below(8) === 0;
  const place = isLdt ? 0xfc02_0000 : firstLinear;
  cr2.value = place + one.below(isLdt ? 17 : 1024) * pageBytes + one.below(4096);
  setField(FrameField.cs, one.of([0xe019, 0xe019, 0xe02b, 9], 0xe019));
  setField(FrameField.eip, code);
  setField(FrameField.esp, argumentsAt + 0x800);
  setField(FrameField.error, isStore ? 3 : one.of([0, 0, 0x102, 0x402], 0));
  trap(isStore ? 14 : one.of([13, 13, 6, 7, 1], 13));
  return 0;
}

const families: readonly (readonly PvMaker[])[] = [
  ...[paging, paging, grants, events, processor, disks],
];

/** Has a guest make one call; tells what came of it. */
export type HostileCalls = () => 'wild' | 'refused' | 'done';

/** Returns what makes one call after the other. */
export function hostileCalls(guest: BegunGuest, seed: number): HostileCalls {
  const one = new Choices(guest, seed, {
    frame: frameFor,
    linear: (chooser) => firstLinear + chooser.below(1024) * pageBytes,
  });
  for (const vector of [1, 6, 12, 13, 14]) {
    guest.abi.guest.traps[vector] = { selector: 0xe019, address: 0x1000, level: 0, masks: true };
  }
  guest.abi.guest.eventCallback = { selector: 0xe019, offset: 0x1000 };
  return () => {
    const { memory, argumentsAt, domain, trap, setField } = guest;
    memory.write32(argumentsAt + 64, one.frame());
    setField(FrameField.cs, 0xe019);
    setField(FrameField.esp, argumentsAt + 0x800);
    const isWild = one.below(8) === 0;
    const { next } = one;
    const result = isWild
      ? guest.call(one.below(48), next(), next(), next(), next(), next(), next())
      : one.of(one.of(families, paging), () => 0)(one);
    guest.abi.guest.leaveTables();
    // One that waits is woken.
    if ((trap(0x20) & StubAction.wait) !== 0) {
      guest.host.advance(1e12);
      memory.write8(domain.shared.vcpu + 1, 0);
      memory.write8(domain.shared.vcpu, 1);
      trap(0x20);
    }
    return isWild ? 'wild' : result < 0 ? 'refused' : 'done';
  };
}
