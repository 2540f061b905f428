/**
 * A memory, an interpreter and a host that can run single instructions: what semantics are tested
 * on.
 *
 * Linear memory 0 .. 0x3ffff is mapped to itself except page 0x3f000, whose accesses fault. Code is
 * assembled at 0x1000; callouts are recorded and go on, unless a test answers them.
 */
import { assembleText } from '@ringfence/assembler';
import { decodeInto, Instruction } from '@ringfence/decoder';
import {
  CodeMode,
  CpuState,
  ExitReason,
  Layout,
  readEflags,
  SegmentField,
  SegmentRegister,
  segmentBytes,
  writeEflags,
} from '@ringfence/memory';
import { CalloutResult } from '../interpreter/handler-target.ts';
import { InvalidVariant } from '../interpreter/handlers.ts';
import { Interpreter } from '../interpreter/interpreter.ts';
import { RecordWriter, recordBytes, SpecialHandler } from '../interpreter/record.ts';
import type { Variant } from './variant.ts';
import { variantOf } from './variant.ts';

const ramBytes = 0x40000;
const directory = Layout.shadowPool;
const leaf = Layout.shadowPool + 0x1000;
const emptyLeaf = Layout.shadowPool + 0x4000;
const record = Layout.codePool;

/** Where code is put. */
export const codeAddress = 0x1000;
/** A page that faults. */
export const unmappedPage = 0x3f000;

const registerNames = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const;

/** A general register. */
export type RegisterName = (typeof registerNames)[number];

/** A callout that was made: its number and arguments. */
export type CalloutRecord = readonly [number: number, a: number, b: number, c: number];

/** One virtual CPU for tests. */
export class TestMachine {
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({
    initial: (Layout.ram + ramBytes) / 65536 + 1,
  });
  readonly state: Int32Array = new Int32Array(this.memory.buffer);
  /** Guest memory from linear address 0. */
  readonly ram: DataView = new DataView(this.memory.buffer, Layout.ram, ramBytes);
  /** The CPU state and everything else below guest memory. */
  readonly view: DataView = new DataView(this.memory.buffer);
  readonly callouts: CalloutRecord[] = [];
  /** Bulk writes that the host was told of: linear address and bytes. */
  readonly written: (readonly [linear: number, bytes: number])[] = [];
  /** A page that may be written in bulk, with the host being told. */
  tracedPage = -1;
  /** Answers callouts; the default lets the instruction go on. */
  onCallout: (number: number, a: number, b: number, c: number) => number = () => CalloutResult.goOn;
  readonly #bits: 16 | 32;
  readonly #interpreter: Interpreter;
  readonly #writer = new RecordWriter(this.memory.buffer);
  readonly #instruction = new Instruction();

  /** `hot`: variants built into the interpreter's loop. */
  constructor(bits: 16 | 32 = 32, flat = true, hot: readonly Variant[] = []) {
    this.#bits = bits;
    const host = {
      fetch: (eip: number) => this.#fetch(eip),
      cross: () => 0,
      readSlow: (linear: number, bytes: number) => this.#readSlow(linear, bytes),
      writeSlow: (linear: number, bytes: number, value: number) =>
        this.#writeSlow(linear, bytes, value),
      probeSlow: (linear: number, bytes: number) => void this.#check(linear, bytes, true),
      reachSlow: (linear: number, write: number) => this.#reachSlow(linear, write !== 0),
      wroteSlow: (linear: number, bytes: number) => void this.written.push([linear, bytes]),
      callout: (number: number, a: number, b: number, c: number) => {
        this.callouts.push([number, a, b, c]);
        return this.onCallout(number, a, b, c);
      },
    };
    const cases = hot.map((variant) => ({
      instructions: [{ variant, registers: 0 }],
      withoutFlags: false,
    }));
    this.#interpreter = new Interpreter(this.memory, host, cases);
    this.map((page) => page !== unmappedPage);
    const code = bits === 32 ? CodeMode.code32 | CodeMode.stack32 : 0;
    this.setWord(CpuState.codeMode, CodeMode.valid | code | (flat ? CodeMode.flat : 0));
    for (let register = 0; register < 8; register++) this.setSegment(register, 0, 0xffff_ffff);
    this.setWord(CpuState.cr, 1);
    this.setWord(CpuState.interruptWaits, 1);
    this.setWord(CpuState.cr + 32, 0x600);
    this.setWord(CpuState.mxcsr, 0x1f80);
    this.setWord(CpuState.fpuControl, 0x37f);
    this.flags = 2;
    this.set('esp', 0x8000);
  }

  /** EFLAGS. */
  get flags(): number {
    return readEflags(this.state);
  }

  set flags(value: number) {
    this.setWord(CpuState.eflags, 2);
    writeEflags(this.state, value, -1);
  }

  /** The vector of the fault that the last run ended with, or -1. */
  get fault(): number {
    const fault = this.word(CpuState.faultVector);
    return fault < 0 ? -1 : fault & 0xff;
  }

  /** EIP at the end of the last run. */
  get eip(): number {
    return this.word(CpuState.rip);
  }

  get(register: RegisterName): number {
    return this.word(CpuState.gpr + 8 * registerNames.indexOf(register)) >>> 0;
  }

  set(register: RegisterName, value: number): void {
    this.setWord(CpuState.gpr + 8 * registerNames.indexOf(register), value);
  }

  word(address: number): number {
    return this.state[address >> 2] ?? 0;
  }

  setWord(address: number, value: number): void {
    this.state[address >> 2] = value;
  }

  /** Sets base and limit of a readable segment, writable unless it is CS. */
  setSegment(register: number, base: number, limit: number): void {
    const at = CpuState.segments + segmentBytes * register;
    this.setWord(at + SegmentField.base, base);
    this.setWord(at + SegmentField.limit, limit);
    this.setWord(at + SegmentField.readFirst, 0);
    this.setWord(at + SegmentField.readLast, limit);
    this.setWord(at + SegmentField.writeFirst, register === SegmentRegister.cs ? -1 : 0);
  }

  /** The sixteen bytes of an XMM register as hexadecimal, most significant first. */
  xmm(number: number): string {
    let text = '';
    for (let at = 15; at >= 0; at--) {
      text += this.view
        .getUint8(CpuState.xmm + 16 * number + at)
        .toString(16)
        .padStart(2, '0');
    }
    return text;
  }

  setXmm(number: number, value: string): void {
    const digits = value.replaceAll(/[ _]/g, '').padStart(32, '0');
    for (let at = 0; at < 16; at++) {
      const byte = parseInt(digits.slice(30 - 2 * at, 32 - 2 * at), 16);
      this.view.setUint8(CpuState.xmm + 16 * number + at, byte);
    }
  }

  /** Maps those of the pages below 0x40000 that `mapped` wants; all others fault. */
  map(mapped: (address: number) => boolean): void {
    for (let slot = 0; slot < 1024; slot++) {
      this.setWord(directory + 4 * slot, slot === 0 ? leaf : emptyLeaf);
      const page = slot << 12;
      for (const kind of [0, 4]) {
        this.setWord(leaf + 8 * slot + kind, page < ramBytes && mapped(page) ? 0 : 1);
        this.setWord(emptyLeaf + 8 * slot + kind, 1);
      }
    }
    this.setWord(CpuState.dirData, directory);
    this.setWord(CpuState.dirSystem, directory);
  }

  /** Assembles and runs one instruction (or more steps of it and what follows it). */
  execute(text: string, steps = 1): void {
    const bytes = assembleText(text, { bits: this.#bits, origin: codeAddress });
    this.executeBytes(bytes, steps);
  }

  /** Runs code bytes. */
  executeBytes(bytes: ArrayLike<number>, steps = 1, address: number = codeAddress): void {
    new Uint8Array(this.memory.buffer, Layout.ram + address).set(bytes);
    this.setWord(CpuState.rip, address);
    this.setWord(CpuState.faultVector, -1);
    this.setWord(CpuState.budget, steps);
    this.callouts.length = 0;
    this.#interpreter.run();
    this.#forget();
  }

  /** Goes on where the last run ended. */
  step(): void {
    this.setWord(CpuState.budget, 1);
    this.#interpreter.run();
    this.#forget();
  }

  /** A vector that is left from an earlier fault means nothing after a run without one. */
  #forget(): void {
    if (this.word(CpuState.exitReason) !== ExitReason.fault) this.setWord(CpuState.faultVector, -1);
  }

  /** Decodes one instruction; the record after it is stale, so that the next is fetched again. */
  #fetch(eip: number): number {
    const base = this.word(
      CpuState.segments + segmentBytes * SegmentRegister.cs + SegmentField.base,
    );
    const linear = (base + eip) >>> 0;
    const instruction = this.#instruction;
    const bytes = new Uint8Array(this.memory.buffer, Layout.ram, ramBytes);
    const length = decodeInto(instruction, bytes, linear, ramBytes, this.#bits);
    const variant =
      length > 0
        ? variantOf(instruction, this.word(CpuState.codeMode))
        : InvalidVariant.undefinedOpcode;
    const handler = this.#interpreter.handler(variant);
    this.#interpreter.flush();
    const offset = linear & 0xfff;
    this.#writer.write(record, instruction, handler, offset);
    this.#writer.writeBare(record + recordBytes, SpecialHandler.stale, offset + length);
    return record;
  }

  #check(linear: number, bytes: number, write: boolean): boolean {
    for (let at = linear >>> 0; at < (linear >>> 0) + bytes; at++) {
      if (at < ramBytes && this.word(leaf + 8 * (at >>> 12)) === 0) continue;
      const user = this.word(CpuState.cpl) === 3 ? 4 : 0;
      this.setWord(CpuState.faultVector, 14 | 0x100);
      this.setWord(CpuState.faultError, (write ? 2 : 0) | user);
      this.setWord(CpuState.cr + 16, at);
      return false;
    }
    return true;
  }

  #reachSlow(linear: number, write: boolean): number {
    const isTraced = (linear & ~0xfff) === this.tracedPage;
    return write && isTraced ? Layout.ram + linear : 0;
  }

  #readSlow(linear: number, bytes: number): number {
    if (!this.#check(linear, bytes, false)) return 0;
    let value = 0;
    for (let index = 0; index < bytes; index++) {
      const byte = this.ram.getUint8((linear >>> 0) + index);
      this.view.setUint8(CpuState.transfer + index, byte);
      if (index < 4) value |= byte << (8 * index);
    }
    return value;
  }

  #writeSlow(linear: number, bytes: number, value: number): void {
    if (!this.#check(linear, bytes, true)) return;
    for (let index = 0; index < bytes; index++) {
      const byte =
        bytes <= 4 ? value >>> (8 * index) : this.view.getUint8(CpuState.transfer + index);
      this.ram.setUint8((linear >>> 0) + index, byte);
    }
  }
}

/** Bits of EFLAGS by letter, as the tables have them. */
const flagBits: Readonly<Record<string, number>> = { c: 1, p: 4, a: 16, z: 64, s: 128, o: 2048 };

/** The arithmetic flags that are set, as letters: `zp`. */
export function flagLetters(flags: number, among = 'oszapc'): string {
  return [...among].filter((letter) => (flags & (flagBits[letter] ?? 0)) !== 0).join('');
}

/** EFLAGS with the flags that letters name. */
export function flagsOf(letters: string): number {
  return [...letters].reduce((flags, letter) => flags | (flagBits[letter] ?? 0), 2);
}
