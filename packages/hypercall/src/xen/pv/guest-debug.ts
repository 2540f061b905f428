/**
 * The debug registers of a paravirtual guest (Xen, arch/x86/pv/misc-hypercalls.c and
 * arch/x86/pv/emul-priv-op.c; SDM 3B 17.2).
 *
 * The processor has what the guest wrote, but for accesses to ports: ring 1 never makes one itself,
 * and those that are made for it are compared here.
 */
import { XenError } from '../constants.ts';

/** The processor's debug registers. */
export interface DebugRegisters {
  read(register: number): number;
  write(register: number, value: number): void;
}

/**
 * Where the stubs are, by which traps come here. A 32-bit guest may name any address: all of them
 * are below what a 64-bit Xen keeps for itself. From here on the processor is not told.
 */
const stubsStart = 0xfc00_0000;
/** DR7.GD, and the kinds of the four breakpoints; 2 is of ports. */
const generalDetect = 0x2000;
const portKind = 2;
const breakpoints: readonly number[] = [0, 1, 2, 3];
/** Bytes of a breakpoint by the two bits of its length. */
const lengths: readonly number[] = [1, 2, 8, 4];
/** Both enable bits of a breakpoint. */
const enableBits = 3;
const mostLength = 8;

const kindOf = (control: number, breakpoint: number): number =>
  (control >>> (16 + 4 * breakpoint)) & 3;

/** What a guest finds in its debug registers. */
export class GuestDebug {
  readonly registers: Int32Array = new Int32Array(8);
  /** Where the processor's are, if anywhere. */
  unit: DebugRegisters | undefined;
  /** Whether DR4 and DR5 are undefined, and breakpoints of ports allowed (CR4.DE). */
  readonly #hasExtensions: () => boolean;

  /** Has no breakpoints. */
  constructor(hasExtensions: () => boolean) {
    this.#hasExtensions = hasExtensions;
  }

  /** Forgets what the guest set. */
  reset(): void {
    this.registers.fill(0);
    this.registers.set([0xffff_0ff0 | 0, 0x400], 6);
  }

  /** Whether a number is of no register: 4 and 5 are 6 and 7 unless CR4.DE is set. */
  isUndefined(register: number): boolean {
    return register > 7 || (this.#hasExtensions() && (register & 6) === 4);
  }

  /** A register by its number. */
  read(register: number): number | undefined {
    return this.isUndefined(register) ? undefined : this.registers[nameOf(register)];
  }

  /**
   * Writes a register: 0, or a negative error for ports without CR4.DE, and for accesses to debug
   * registers.
   */
  write(number: number, value: number): number {
    const register = nameOf(number);
    if (this.isUndefined(number)) {
      return -XenError.noDevice;
    }
    if (register === 7 && !this.#isGoodControl(value)) {
      return -XenError.notPermitted;
    }
    const fixed =
      register === 6
        ? (value & 0xe00f) | 0xffff_0ff0
        : register === 7
          ? (value & 0xffff_03ff) | 0x400
          : value;
    this.registers[register] = fixed;
    if (register < 4) this.unit?.write(register, fixed);
    if (register !== 6) this.unit?.write(7, this.#ownControl());
    return 0;
  }

  /** DR7 without the breakpoints that would be at the stubs. */
  #ownControl(): number {
    const isXens = (breakpoint: number): boolean =>
      (this.registers[breakpoint] ?? 0) >>> 0 > stubsStart - mostLength;
    return breakpoints
      .filter(isXens)
      .reduce((control, one) => control & ~(enableBits << (2 * one)), this.registers[7] ?? 0);
  }

  /** Breakpoints, a bit each, that an access to ports is at. */
  portBreakpoints(port: number, bytes: number): number {
    const control = this.registers[7] ?? 0;
    if ((control & 0xff) === 0 || !this.#hasExtensions()) {
      return 0;
    }
    const isAt = (breakpoint: number): boolean => {
      const isOn = ((control >>> (2 * breakpoint)) & 3) !== 0;
      const first = (this.registers[breakpoint] ?? 0) >>> 0;
      const length = lengths[(control >>> (18 + 4 * breakpoint)) & 3] ?? 1;
      const meets = first < port + bytes && first + length > port;
      return isOn && kindOf(control, breakpoint) === portKind && meets;
    };
    return breakpoints.reduce((bits, one) => bits | (isAt(one) ? 1 << one : 0), 0);
  }

  /** Sets bits of the DR6 that the guest reads. */
  addStatus(bits: number): void {
    this.registers[6] = (this.registers[6] ?? 0) | bits;
  }

  /** A debug exception is not the guest's: what the processor says of it is dropped. */
  forget(): void {
    this.unit?.write(6, 0xffff_0ff0);
  }

  /** What the processor says of a debug exception becomes what the guest reads. */
  note(): void {
    if (this.unit !== undefined) {
      const status = this.unit.read(6) & 0xe00f;
      this.addStatus(status);
      this.unit.write(6, 0xffff_0ff0);
    }
  }

  /** Kinds count, of all four, while a breakpoint is on. */
  #isGoodControl(value: number): boolean {
    const isOn = (value & 0xff) !== 0;
    const hasPorts = breakpoints.some((one) => kindOf(value, one) === portKind);
    return (value & generalDetect) === 0 && !(isOn && hasPorts && !this.#hasExtensions());
  }
}

/** DR4 and DR5 are other names of DR6 and DR7 (SDM 3B 17.2.2). */
const nameOf = (register: number): number => register | (register > 3 ? 2 : 0);
