/**
 * Breakpoints: those of the debug registers (SDM 3B 17.2), and those that a debugger outside of the
 * guest sets.
 *
 * Nothing is looked at where nothing is set. The pages of watched addresses are kept off the fast
 * paths: their data entries lead to the slow path and their code has no exec entry, so that every
 * access and every fetch comes by here.
 */
import { Word } from './state-view.ts';

/** DR6 bits (SDM 3B 17.2.3). */
export const DebugStatus = {
  breakpoints: 0xf,
  access: 0x2000,
  step: 0x4000,
  taskSwitch: 0x8000,
} as const;

/** DR7.GD: accesses to debug registers are #DB (SDM 3B 17.2.4). */
export const generalDetect: number = 1 << 13;

/** Conditions of a breakpoint as DR7.R/W has them; 2 is I/O with CR4.DE. */
export const BreakpointKind = { execute: 0, write: 1, port: 2, access: 3 } as const;

/** A breakpoint of a debugger. */
export interface HostBreakpoint {
  /** One of `BreakpointKind` except `port`, or `read`. */
  readonly kind: 'execute' | 'write' | 'read' | 'access';
  readonly linear: number;
  readonly bytes: number;
}

interface Watch {
  readonly kind: number;
  readonly first: number;
  readonly bytes: number;
  /** The bit in DR6. */
  readonly bit: number;
}

const debuggingExtensions = 8;
/** Which 4 KiB of 4 MiB: pages that share page tables share shadow entries. */
const slotMask = 0x3ff000;

/** What stopped the CPU for the debugger. */
export interface DebugStop {
  readonly kind: 'execute' | 'write' | 'read' | 'access' | 'step';
  readonly linear: number;
}

/** The breakpoints of one virtual CPU. */
export class DebugUnit {
  /** Bits of DR6 that a #DB trap after the running instruction will show. */
  pending: number = 0;
  /** Whether instruction fetches are to be looked at. */
  codeActive: boolean = false;
  /** Whether a load of SS lets the next instruction pass its breakpoint. */
  stackHidesCode: boolean = false;
  /** Whether data accesses are to be looked at. */
  dataActive: boolean = false;
  /** Whether port accesses are to be looked at. */
  portsActive: boolean = false;
  /** What the debugger is to be told after the running instruction. */
  stop: DebugStop | undefined = undefined;
  /** Linear address of the last instruction that was fetched from a watched page. */
  passed: number = -1;
  /** Whether the debugger wants to stop after each instruction. */
  stepping: boolean = false;
  /** Linear address whose host breakpoint is passed over once: the debugger goes on from there. */
  resumeAt: number = -1;
  readonly #state: Int32Array;
  readonly #changed: () => void;
  readonly #attention: () => void;
  #watches: readonly Watch[] = [];
  #host: readonly HostBreakpoint[] = [];
  #slots = '';

  /** `changed` is called when other pages are watched, `attention` when a trap is due. */
  constructor(state: Int32Array, changed: () => void, attention: () => void) {
    this.#state = state;
    this.#changed = changed;
    this.#attention = attention;
  }

  /** Sets the debugger's breakpoints. */
  setHost(breakpoints: readonly HostBreakpoint[]): void {
    this.#host = [...breakpoints];
    this.update();
  }

  /** Takes note of DR0 to DR3, DR7 and CR4.DE. */
  update(): void {
    const state = this.#state;
    const control = state[Word.dr + 14] ?? 0;
    const watches: Watch[] = [];
    for (let index = 0; index < 4; index++) {
      if (((control >> (2 * index)) & 3) === 0) continue;
      const kind = (control >> (16 + 4 * index)) & 3;
      const extended = ((state[Word.cr4] ?? 0) & debuggingExtensions) !== 0;
      if (kind === BreakpointKind.port && !extended) continue;
      // Length 2 is 8 bytes, the others 1, 2 and 4; addresses are aligned to it (SDM 3B 17.2.5).
      const bytes = [1, 2, 8, 4][(control >> (18 + 4 * index)) & 3] ?? 1;
      const linear = state[Word.dr + 2 * index] ?? 0;
      const first = kind === BreakpointKind.execute ? linear : linear & -bytes;
      watches.push({ kind, first, bytes, bit: 1 << index });
    }
    this.#watches = watches;
    const host = this.#host;
    const has = (kinds: readonly number[]): boolean =>
      watches.some(({ kind }) => kinds.includes(kind));
    this.codeActive = has([BreakpointKind.execute]) || host.some(({ kind }) => kind === 'execute');
    this.dataActive =
      has([BreakpointKind.write, BreakpointKind.access]) ||
      host.some(({ kind }) => kind !== 'execute');
    this.portsActive = has([BreakpointKind.port]);
    // The slice that runs may come to a repeated string instruction.
    if (this.dataActive || this.portsActive) state[Word.singleElements] = 1;
    const slots = [...watches.filter(({ kind }) => kind !== BreakpointKind.port), ...host]
      .map((one) => `${one.kind}:${('first' in one ? one.first : one.linear) & slotMask}`)
      .join();
    if (slots === this.#slots) return;
    this.#slots = slots;
    this.#changed();
  }

  /** Whether fetches from the page of a linear address are to come by `codeHit`. */
  watchesCode(linear: number): boolean {
    if (!this.codeActive) return false;
    const same = (at: number): boolean => ((at ^ linear) & slotMask) === 0;
    return (
      this.#watches.some(({ kind, first }) => kind === BreakpointKind.execute && same(first)) ||
      this.#host.some((one) => one.kind === 'execute' && same(one.linear))
    );
  }

  /** Whether accesses to the page of a linear address are to come by `accessed`. */
  watchesData(linear: number): boolean {
    if (!this.dataActive) return false;
    const same = (first: number, bytes: number): boolean =>
      ((first ^ linear) & slotMask) === 0 || (((first + bytes - 1) ^ linear) & slotMask) === 0;
    return (
      this.#watches.some(({ kind, first, bytes }) => (kind & 1) !== 0 && same(first, bytes)) ||
      this.#host.some((one) => one.kind !== 'execute' && same(one.linear, one.bytes))
    );
  }

  /** DR6 bits of instruction breakpoints at a linear address. */
  codeHit(linear: number): number {
    let bits = 0;
    for (const { kind, first, bit } of this.#watches) {
      if (kind === BreakpointKind.execute && first === (linear | 0)) bits |= bit;
    }
    return bits;
  }

  /**
   * Whether the instruction at `eip` was let pass its breakpoint and is not done: the budget ended
   * before it, or between two elements of its string.
   */
  isPassed(eip: number, base: number): boolean {
    const linear = (eip + base) | 0;
    if (!this.codeActive || this.passed !== linear) return false;
    if (this.#hostHit(linear)) this.resumeAt = linear;
    return this.codeHit(linear) !== 0;
  }

  /** Whether the debugger is to be told of the instruction at a linear address; notes the stop. */
  hostStops(linear: number): boolean {
    if (!this.#hostHit(linear)) return false;
    const resumes = this.resumeAt === linear;
    this.resumeAt = -1;
    if (!resumes) this.stop = { kind: 'execute', linear };
    return !resumes;
  }

  /** The debugger goes on from a linear address: its breakpoint there is passed over once. */
  passOver(linear: number): void {
    this.resumeAt = this.#hostHit(linear) ? linear : -1;
  }

  #hostHit(linear: number): boolean {
    return this.#host.some((one) => one.kind === 'execute' && (one.linear | 0) === linear);
  }

  /** An access was made: notes the breakpoints that it meets, for after the instruction. */
  accessed(linear: number, bytes: number, write: boolean): void {
    let bits = 0;
    for (const { kind, first, bytes: size, bit } of this.#watches) {
      const wanted = kind === BreakpointKind.access || (write && kind === BreakpointKind.write);
      if (wanted && overlaps(first, size, linear, bytes)) bits |= bit;
    }
    this.#trap(bits);
    for (const one of this.#host) {
      const wanted = one.kind === 'access' || one.kind === (write ? 'write' : 'read');
      if (wanted && overlaps(one.linear, one.bytes, linear, bytes)) {
        this.stop ??= { kind: one.kind, linear: one.linear };
        this.#attention();
      }
    }
  }

  /** A port was read or written. */
  portAccessed(port: number, bytes: number): void {
    let bits = 0;
    for (const { kind, first, bytes: size, bit } of this.#watches) {
      if (kind === BreakpointKind.port && overlaps(first, size, port, bytes)) bits |= bit;
    }
    this.#trap(bits);
  }

  #trap(bits: number): void {
    if (bits === 0) return;
    this.pending |= bits;
    this.#attention();
  }
}

/** Whether two ranges of linear addresses meet; both may wrap. */
function overlaps(first: number, size: number, linear: number, bytes: number): boolean {
  return (linear - first) >>> 0 < size || (first - linear) >>> 0 < bytes;
}
