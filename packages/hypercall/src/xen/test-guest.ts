/** Memory and services for tests of the Xen interface. */
import { pageBytes } from '@ringfence/memory';
import { CallLog } from '../call-log.ts';
import { TestClock, TestMemory } from '../test-host.ts';
import type { HypercallRegisters } from '../interfaces.ts';
import { XenDomain } from './domain.ts';
import { xenFrames } from './xen-frames.ts';
import { hvmCalls } from './calls.ts';
import { GuestCopy } from './guest-copy.ts';
import type { ShutdownReason, XenDisk, XenMemory, XenServices } from './interfaces.ts';
import { ToolStack } from './io/tool-stack.ts';
import { callWork } from './ops/call.ts';
import { hypervisorBytes } from './pv/hypervisor-area.ts';
import { PageInfo, PageOwner, PageType } from './pv/page-info.ts';
import { XenPvAbi } from './pv/pv-abi.ts';
import { FrameField } from './pv/traps.ts';

/** RAM with accesses of all sizes; aliases are remembered. */
export class TestXenMemory extends TestMemory implements XenMemory {
  readonly aliases: Map<number, number> = new Map<number, number>();

  get ramBytes(): number {
    return this.bytes.length;
  }

  read8(physical: number): number {
    return this.bytes[physical] ?? 0;
  }

  read16(physical: number): number {
    return this.read8(physical) | (this.read8(physical + 1) << 8);
  }

  write8(physical: number, value: number): void {
    this.bytes[physical] = value;
  }

  write16(physical: number, value: number): void {
    this.write8(physical, value);
    this.write8(physical + 1, value >>> 8);
  }

  read(physical: number, target: Uint8Array): void {
    target.set(this.bytes.subarray(physical, physical + target.length));
  }

  write(physical: number, source: Uint8Array): void {
    this.bytes.set(source, physical);
  }

  alias(physical: number, frame: number | 'nothing' | undefined): boolean {
    if (frame === undefined) {
      this.aliases.delete(physical);
    } else {
      this.aliases.set(physical, frame === 'nothing' ? -1 : frame);
    }
    return true;
  }
}

/** What a guest asked of the machine, and what it said. */
export class TestXenHost {
  readonly memory: TestXenMemory;
  readonly clock: TestClock = new TestClock();
  readonly shutdowns: ShutdownReason[] = [];
  readonly timers: { at: number; readonly callback: () => void }[] = [];
  attentions: number = 0;
  /** What is called when the guest is idle. */
  readonly polls: (() => boolean)[] = [];
  said: string = '';

  constructor(ramBytes: number) {
    this.memory = new TestXenMemory(ramBytes);
  }

  services(disks: readonly XenDisk[] = []): XenServices {
    return {
      memory: this.memory,
      clock: this.clock,
      wallClock: { unixTimeMs: () => 1_700_000_000_000 },
      timers: {
        create: (callback) => {
          const timer = { at: Infinity, callback };
          this.timers.push(timer);
          return {
            arm: (deadlineNs) => {
              timer.at = deadlineNs;
            },
            cancel: () => {
              timer.at = Infinity;
            },
          };
        },
      },
      machine: {
        shutdown: (reason) => {
          this.shutdowns.push(reason);
        },
        attention: () => {
          this.attentions += 1;
        },
        yield: () => undefined,
        onIdle: (poll) => {
          this.polls.push(poll);
        },
      },
      console: {
        write: (byte) => {
          this.said += String.fromCharCode(byte);
        },
      },
      disks,
    };
  }

  /** Moves the clock and calls the timers that are due. */
  advance(ns: number): void {
    this.clock.nowNs += ns;
    for (const timer of this.timers) {
      if (timer.at <= this.clock.nowNs) {
        timer.at = Infinity;
        timer.callback();
      }
    }
  }
}

/** What tests do with any guest. */
export interface TestGuest {
  readonly host: TestXenHost;
  readonly memory: TestXenMemory;
  readonly domain: XenDomain;
  readonly tools: ToolStack;
  /** Makes a hypercall and returns its result. */
  call(number: number, ...args: readonly number[]): number;
  /** Writes words from an address on, and returns the address. */
  put(at: number, ...words: readonly number[]): number;
}

/** A translated guest. */
export interface TestHvmGuest extends TestGuest {
  word(at: number): number;
}

/** A paravirtual guest. */
export interface TestPvGuest extends TestGuest {
  readonly abi: XenPvAbi;
  readonly info: PageInfo;
  readonly start: number | string;
  readonly firstFrame: number;
  readonly pages: number;
  readonly shared: number;
  /** What the processor has in CR2. */
  readonly cr2: { value: number };
  /** Lets a vector trap, and returns what the stub is to do. */
  trap(vector: number): number;
  field(offset: number): number;
  setField(offset: number, value: number): void;
}

/** A translated guest with one MiB, whose linear addresses are physical ones. */
export function makeHvmGuest(disks: readonly XenDisk[] = []): TestHvmGuest {
  const host = new TestXenHost(0x10_0000);
  const { memory } = host;
  const frames = memory.ramBytes - 64 * pageBytes;
  const map = [{ base: 0, bytes: frames, type: 1 }];
  const pages = frames / pageBytes;
  const services = host.services(disks);
  const domain = new XenDomain({ kind: 'hvm', frames, map, pages, services });
  const tools = new ToolStack(domain);
  domain.reset();
  domain.begin();
  const space = {
    translate: (linear: number) => (linear < memory.ramBytes ? linear : -1),
  };
  const copy = new GuestCopy(memory, space);
  const call = (number: number, ...args: readonly number[]): number => {
    const found = hvmCalls[number];
    // A call that is not over yet is made again.
    let next: readonly number[] | undefined = args;
    const again = (later: readonly number[]): number => {
      next = later.map((one) => one >>> 0);
      domain.services.machine.yield();
      return number;
    };
    let result = NaN;
    while (found !== undefined && next !== undefined) {
      const current: readonly number[] = next;
      next = undefined;
      result = found.serve({ domain, args: current, copy, work: { left: callWork }, again });
    }
    return result;
  };
  const put = (at: number, ...words: readonly number[]): number => {
    for (const [index, word] of words.entries()) {
      memory.write32(at + index * 4, word);
    }
    return at;
  };
  const word = (at: number): number => memory.read32(at) >>> 0;
  return { host, memory, domain, tools, call, put, word };
}

const stackEnd = 0xfc00_5000;
const frameBytes = 60;

/** A paravirtual guest with eight MiB; its pointers are machine addresses. */
export function makePvGuest(
  disks: readonly XenDisk[] = [],
  ramBytes: number = 0x80_0000,
): TestPvGuest {
  const host = new TestXenHost(ramBytes);
  const { memory } = host;
  const frames = ramBytes - Math.ceil(hypervisorBytes(ramBytes) / pageBytes) * pageBytes;
  const firstFrame = 16;
  const pages = frames / pageBytes - firstFrame;
  const info = new PageInfo(ramBytes / pageBytes);
  const grantPages = {
    hold: (frame: number, write: boolean): boolean =>
      info.owner(frame) === PageOwner.guest && (!write || info.take(frame, PageType.writable)),
    drop: (frame: number, write: boolean): void => {
      if (write) info.drop(frame);
    },
    isMapped: (frame: number): boolean => info.uses(frame) > 0,
  };
  const services = host.services(disks);
  const map = [{ base: 0, bytes: pages * pageBytes, type: 1 }];
  const domain = new XenDomain({ kind: 'pv', frames, map, pages, services, grantPages });
  const tools = new ToolStack(domain);
  const log = new CallLog();
  const later: { abi?: XenPvAbi } = {};
  const space = {
    translate: (linear: number, write: boolean) => {
      const frame = Math.floor(linear / pageBytes);
      return later.abi?.guest.mayTouch(frame, write) === true ? linear : -1;
    },
  };
  const cr2 = { value: 0x1234 };
  const places = { frames, firstFrame, cr2: (): number => cr2.value, noExecute: () => true };
  const abi = new XenPvAbi({ domain, space, log, info, ...places });
  later.abi = abi;
  const start = abi.load({
    virtBase: 0xc000_0000,
    entry: 0xc000_0000,
    segments: [{ virtual: 0xc000_0000, bytes: Uint8Array.of(0x90), memoryBytes: 2 * pageBytes }],
    commandLine: Uint8Array.from([...'test\0'].map((character) => character.charCodeAt(0))),
  });
  const physical = abi.guest.area.frameAt(stackEnd - frameBytes);
  const trap = (vector: number): number => {
    memory.write32(physical + FrameField.vector, vector);
    let action = 0;
    const registers: HypercallRegisters = {
      cpl: 0,
      long: false,
      low: (register) => (register === 4 ? stackEnd - frameBytes : 0),
      high: () => 0,
      set: (register, low) => {
        if (register === 0) action = low;
      },
      again: () => undefined,
    };
    abi.hypercall(registers);
    return action;
  };
  const field = (offset: number): number => memory.read32(physical + offset) >>> 0;
  const setField = (offset: number, value: number): void => {
    memory.write32(physical + offset, value);
  };
  const call = (number: number, ...args: readonly number[]): number => {
    setField(FrameField.eax, number);
    const { ebx, ecx, edx, esi, edi, ebp } = FrameField;
    for (const [index, register] of [ebx, ecx, edx, esi, edi, ebp].entries()) {
      setField(register, args[index] ?? 0);
    }
    // A call that is not over yet is made again, by the instruction in front of EIP.
    const eip = field(FrameField.eip);
    for (let isOver = false; !isOver;) {
      trap(0x82);
      isOver = field(FrameField.eip) !== (eip - 2) >>> 0;
      if (!isOver) setField(FrameField.eip, eip);
    }
    return field(FrameField.eax) | 0;
  };
  const put = (at: number, ...words: readonly number[]): number => {
    for (const [index, word] of words.entries()) {
      memory.write32(at + index * 4, word);
    }
    return at;
  };
  return {
    host,
    memory,
    domain,
    tools,
    abi,
    info,
    start,
    firstFrame,
    pages,
    cr2,
    trap,
    call,
    put,
    field,
    setField,
    shared: domain.frame(xenFrames.shared),
  };
}
