/**
 * Calls of a hostile paravirtual guest, at random but for their shape: most name pages that matter,
 * so that a good part of them does something. Written for tests.
 */
import { numbersFrom } from '../../test-host.ts';
import { DomainId, XenCallNumber } from '../constants.ts';
import { xenFrames } from '../xen-frames.ts';
import { StubAction } from './hypervisor-area.ts';
import type { BegunGuest } from './test-begun.ts';
import { FrameField } from './traps.ts';

const pageBytes = 4096;
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

/** What the random numbers of one guest choose. */
class Choices {
  readonly guest: BegunGuest;
  readonly next: () => number;

  constructor(guest: BegunGuest, seed: number) {
    this.guest = guest;
    this.next = numbersFrom(seed);
  }

  below(limit: number): number {
    return this.next() % limit;
  }

  of<T>(list: readonly T[], otherwise: T): T {
    return list[this.below(list.length)] ?? otherwise;
  }

  /** A frame: mostly one of a few of the guest's, often a table in use. */
  frame(): number {
    const { guest, below } = { guest: this.guest, below: (limit: number) => this.below(limit) };
    return below(4) === 0 ? this.#table() : guest.firstFrame + 2 + below(40);
  }

  #table(): number {
    const { memory, abi, firstFrame } = this.guest;
    const { base } = abi.guest;
    const second = memory.read32(base * pageBytes + 24) >>> 12;
    const first = memory.read32(second * pageBytes + this.below(2) * 8) >>> 12;
    return this.of([base, second, first, firstFrame + 2 + this.below(24)], base);
  }

  /** The low word of an entry. */
  entry(): number {
    const { info } = this.guest;
    const frame = this.below(16) === 0 ? this.below(info.frames) : this.frame();
    return frame * pageBytes + this.of([0, 1, 3, 7, 0x63, 0x67, 0x83, 0x101], 0);
  }

  /** A linear address at which the guest may have something. */
  linear(): number {
    return firstLinear + this.below(1024) * pageBytes;
  }

  /** A pointer for arguments: good as a rule. */
  pointer(): number {
    const { argumentsAt } = this.guest;
    const odd = [0, 0xfc00_0000, 0xf580_0000, this.frame() * pageBytes, this.next()];
    return this.below(12) === 0 ? this.of(odd, 0) : argumentsAt + this.below(64) * 4;
  }

  call(number: number, ...args: readonly number[]): number {
    return this.guest.call(number, ...args);
  }

  /** Puts words where arguments stand and returns their address. */
  put(...words: readonly number[]): number {
    return this.guest.put(this.guest.argumentsAt, ...words);
  }
}

type Maker = (one: Choices) => number;

/** Page tables, descriptors, and pages that change hands. */
const paging: readonly Maker[] = [
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

/** Grants in both versions. */
const grants: readonly Maker[] = [
  (one) => {
    const { domain, put } = one.guest;
    const table = domain.frame(xenFrames.grants);
    const isWide = domain.grants.version === 2;
    const at = table + one.below(16) * (isWide ? 16 : 8);
    const head = one.of([one.below(8), one.below(0x200)], 0) | (DomainId.guest << 16);
    put(at, head, ...(isWide ? [one.next(), one.frame(), 0] : [one.frame()]));
    return 0;
  },
  (one) => {
    const flags = one.below(32) | (one.below(8) === 0 ? one.next() & 0xf_0000 : 0);
    const place = one.frame() * pageBytes + one.below(512) * 8 + one.below(2);
    const at = (flags & 0x10) === 0 ? one.linear() : place;
    const map = one.put(at, 0, flags, one.below(16), DomainId.guest, 0, 0, 0);
    return one.call(XenCallNumber.grantTableOp, 0, map, 1);
  },
  (one) => {
    const frame = one.below(4) === 0 ? one.frame() * pageBytes : 0;
    const at = one.put(one.of([0, one.linear(), one.entry()], 0), 0, frame, 0, one.below(8), 0);
    return one.call(XenCallNumber.grantTableOp, 1, at, 1);
  },
  (one) => {
    const words = [one.linear(), 0, one.of([0, one.linear()], 0), 0, one.below(8), 0];
    return one.call(XenCallNumber.grantTableOp, 7, one.put(...words), 1);
  },
  (one) => one.call(XenCallNumber.grantTableOp, 4, one.put(one.frame(), one.below(8), 0, 0), 1),
  (one) => {
    const side = (): number => one.of([one.below(16), one.frame()], 0);
    const domains = one.of([self, DomainId.guest], self);
    const offset = (one.below(8) === 0 ? one.below(4096) : 0) << 16;
    const length = one.below(4097) | (one.below(4) << 16);
    const copy = one.put(side(), domains | offset, side(), self | offset, length, 0);
    return one.call(XenCallNumber.grantTableOp, 5, copy, 1);
  },
  (one) => {
    const { argumentsAt } = one.guest;
    const op = one.of([2, 6, 8, 9, 10, 11, 12], 2);
    const words = op === 8 ? [1 + one.below(2)] : [one.of([self, one.below(40)], self)];
    const list = one.put(...words, one.below(40), one.below(40), argumentsAt + 256);
    return one.call(XenCallNumber.grantTableOp, op, list, 1 + one.below(2));
  },
];

/** Events, waits and timers. */
const events: readonly Maker[] = [
  (one) => {
    const op = one.below(15);
    const port = [3, 4, 7, 9, 13].includes(op) ? one.below(op === 7 ? 1 : 12) : one.frame();
    const first = [0, 1, 2, 5, 6, 10, 14].includes(op) ? one.of([self, one.below(24)], 0) : port;
    const words = [first, op === 13 ? one.below(17) : 0, one.below(4) * 64, 0, 0, 0];
    return one.call(XenCallNumber.eventChannelOp, op, one.put(...words));
  },
  (one) => {
    const { argumentsAt } = one.guest;
    const ports = one.guest.put(argumentsAt + 64, one.below(12), one.below(12));
    const op = one.of([0, 1, 3, 3, 5, 6, 7, 8], 0);
    return one.call(XenCallNumber.schedOp, op, one.put(ports, one.below(3), one.below(1e6), 0));
  },
  (one) => one.call(XenCallNumber.setTimerOp, one.next(), one.of([0, 0, one.next()], 0)),
  (one) => {
    const op = one.below(15);
    const area = one.of([one.frame() * pageBytes + one.below(63) * 64, one.frame()], 0);
    const words = op === 10 ? [one.frame(), 0, one.below(63) * 64] : [area, one.below(4), 0];
    const at = op === 11 ? 0 : one.put(...words);
    return one.call(XenCallNumber.vcpuOp, op, one.below(16) === 0 ? 1 : 0, at);
  },
  (one) => {
    one.guest.host.advance(one.below(2e6));
    return 0;
  },
];

/** Writes a message of the store, or anything at all, and tells of it. */
function ringOfStore(one: Choices): number {
  const { memory, domain, put } = one.guest;
  const page = domain.storePage;
  const isOdd = one.below(16) === 0;
  const written = memory.read32(page + 2052) >>> 0;
  const paths = ['data', 'data/a', '/local/domain/1/data', 'device/b/c', '@x', '//', ''];
  const text = `${one.of(paths, '')}\0${one.of(['T', 'F', 'n1', 'value', ''], '')}`;
  const payload = one.below(4) === 0 ? text : `${text}\0`;
  const length = isOdd ? one.next() : payload.length;
  const header = [one.below(24), one.next(), one.of([0, one.below(4)], 0), length];
  const bytes = [
    ...header.flatMap((word) => [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff)),
    ...[...payload].map((character) => character.charCodeAt(0)),
  ];
  for (const [index, byte] of bytes.entries()) {
    memory.write8(page + ((written + index) % 1024), byte);
  }
  put(page + 2052, isOdd ? one.next() : written + bytes.length);
  if (one.below(2) === 0) put(page + 2056, memory.read32(page + 2060));
  return one.call(XenCallNumber.eventChannelOp, 4, one.put(domain.storePort));
}

function ringOfConsole(one: Choices): number {
  const { memory, domain, put } = one.guest;
  const page = domain.consolePage;
  const read = memory.read32(page + 3080) >>> 0;
  put(page + 3084, one.below(8) === 0 ? one.next() : read + one.below(64));
  return one.call(XenCallNumber.eventChannelOp, 4, one.put(domain.consolePort));
}

/** The virtual CPU's state, instructions that trap, and all that is left. */
const processor: readonly Maker[] = [
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
function trapAtInstruction(one: Choices): number {
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

const families = [paging, paging, grants, events, processor] as const;

/** Has a guest make one call; tells what came of it. */
export type HostileCalls = () => 'wild' | 'refused' | 'done';

/** Returns what makes one call after the other. */
export function hostileCalls(guest: BegunGuest, seed: number): HostileCalls {
  const one = new Choices(guest, seed);
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
