/**
 * From an EIP to a predecoded record: the host's half of "The life of an instruction".
 *
 * Hot while code is cold: each run of new code comes through here once per page and code mode.
 */
import type { CodeCache } from '@ringfence/code-cache';
import { maxExtentBytes } from '@ringfence/code-cache';
import {
  decodeInto,
  INVALID,
  INVALID_LOCK,
  Instruction,
  NEED_MORE,
  OperandKind,
  TOO_LONG,
} from '@ringfence/decoder';
import { FORMS } from '@ringfence/isa';
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import {
  CodeMode,
  CpuState,
  ExitReason,
  SegmentField,
  SegmentRegister,
  segmentBytes,
} from '@ringfence/memory';
import { fault as debugFault, faultWithError, noFault, Vector } from '@ringfence/segmentation';
import {
  InvalidVariant,
  packRegisters,
  recordBytes,
  RecordField,
  RecordWriter,
  SpecialHandler,
  variantOf,
} from '@ringfence/translator';
import type { CaseInstruction, Interpreter } from '@ringfence/translator';
import type { DebugUnit } from './debug-unit.ts';
import type { GuestAccess } from './guest-access.ts';
import { translatedMode } from './region-record.ts';
import { ScratchRecords } from './scratch-records.ts';
import { Eflag, Word } from './state-view.ts';

/** The most instructions decoded at one miss. */
const maximumRun = 160;

/** The longest instruction (SDM 2A 2.3.11). */
const longestInstruction = 15;

const codeSegment = (CpuState.segments + segmentBytes * SegmentRegister.cs) >> 2;

/** Stands for no record: an instruction in memory without backing, or at a breakpoint. */
const unbacked = 0;

/** Flows after which the following bytes need not be code. */
const endsRun: ReadonlySet<string> = new Set(['jump', 'call', 'return', 'interrupt', 'undefined']);

/** Where regions can be entered. */
export interface RegionEntries {
  /** Handler number of the region entered at an offset of a page in a code mode, 0 for none. */
  entryAt(page: number, offset: number, mode: number): number;
  /** A call to a linear address was decoded. */
  callMet(linear: number): void;
  /** The code-page block of a page, in this code mode, was come to from a linear address. */
  pageMet(page: number, linear: number, block: number): void;
}

/** Decodes guest code into records. */
export class InstructionFetch {
  readonly #state: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #physical: PhysicalMemory;
  readonly #access: GuestAccess;
  readonly #cache: CodeCache;
  readonly #debug: DebugUnit;
  /** Which forms the CPU model has, by form number. */
  readonly #forms: Int16Array;
  readonly #writer: RecordWriter;
  readonly #scratch: ScratchRecords;
  readonly #halves: Uint16Array;
  readonly #instruction = new Instruction();
  readonly #window = new Uint8Array(16);
  /** Variants and records of the run that is being decoded. */
  readonly #run: CaseInstruction[] = [];
  readonly #runRecords: number[] = [];
  #interpreter: Interpreter | undefined;
  #turn = 0;
  /** Linear address of the page that is being decoded. */
  #linearPage = 0;
  #regions: RegionEntries | undefined;

  constructor(
    machine: MachineMemory,
    physical: PhysicalMemory,
    access: GuestAccess,
    cache: CodeCache,
    debug: DebugUnit,
    forms: Int16Array,
  ) {
    this.#forms = forms;
    this.#debug = debug;
    this.#state = machine.i32;
    this.#bytes = machine.u8;
    this.#physical = physical;
    this.#access = access;
    this.#cache = cache;
    this.#writer = new RecordWriter(machine.memory.buffer);
    this.#scratch = new ScratchRecords(machine, physical);
    this.#halves = new Uint16Array(machine.memory.buffer);
  }

  /** The interpreter whose handlers records name; set once, since it needs this object first. */
  attach(interpreter: Interpreter): void {
    this.#interpreter = interpreter;
  }

  /** Names whose regions records lead to. */
  attachRegions(regions: RegionEntries): void {
    this.#regions = regions;
  }

  /** Record of the instruction at an EIP, or 0 with a fault recorded and `rip` at that EIP. */
  fetch(eip: number): number {
    const state = this.#state;
    const limit = state[codeSegment + (SegmentField.limit >> 2)] ?? 0;
    if (eip >>> 0 > limit >>> 0)
      return this.#fault(eip, faultWithError(Vector.generalProtection, 0));
    const linear = (eip + (state[codeSegment + (SegmentField.base >> 2)] ?? 0)) | 0;
    if (this.#debug.watchesCode(linear)) return this.#fetchWatched(eip, linear);
    const fault = this.#access.translateFetch(linear);
    if (fault !== noFault) return this.#fault(eip, fault);
    const physical = this.#access.physicalAddress;
    if (physical < 0) return this.#decodeScratch(unbacked, eip, linear, linear & 4095);
    const offset = physical & 4095;
    const mode = state[Word.codeMode] ?? 0;
    const block = this.#cache.block(physical >>> 12, this.#blockMode(eip, mode));
    if (block === 0) return this.#decodeScratch(unbacked, eip, linear, offset);
    if (mode === translatedMode) this.#regions?.pageMet(physical >>> 12, linear, block);
    const known = this.#cache.lookup(block, offset);
    this.#linearPage = linear & ~4095;
    const room = this.#room(eip);
    const record =
      known !== 0 ? known : this.#decodeRun(block, physical >>> 12, offset, mode, room);
    // The exec entry may only now have a block to point to.
    this.#access.translateFetch(linear);
    this.#interpreter?.flush();
    return record !== 0 ? record : this.#decodeScratch(unbacked, eip, linear, offset);
  }

  /** The page-crossing instruction at a record, in a scratch record; 0 for a fault. */
  cross(record: number): number {
    const state = this.#state;
    const offset = this.#halves[(record + RecordField.offset) >> 1] ?? 0;
    const eip = ((state[Word.eipBase] ?? 0) + offset) | 0;
    const linear = (eip + (state[codeSegment + (SegmentField.base >> 2)] ?? 0)) | 0;
    const known = this.#scratch.find(record, linear, this.#room(eip));
    return known !== 0 ? known : this.#decodeScratch(record, eip, linear, offset);
  }

  /**
   * An instruction in a page with an instruction breakpoint: decoded each time into a scratch
   * record, unless the breakpoint is its own. RF lets it pass (SDM 3B 17.3.1.1).
   */
  #fetchWatched(eip: number, linear: number): number {
    const state = this.#state;
    const debug = this.#debug;
    if (debug.hostStops(linear)) {
      state[Word.rip] = eip;
      state[Word.exitReason] = ExitReason.budget;
      return 0;
    }
    const flags = state[Word.eflags] ?? 0;
    const hit = debug.codeHit(linear);
    if (hit !== 0 && (flags & Eflag.rf) === 0) {
      debug.pending = hit;
      return this.#fault(eip, debugFault(Vector.debug));
    }
    state[Word.eflags] = flags & ~Eflag.rf;
    debug.passed = linear;
    return this.#decodeScratch(unbacked, eip, linear, linear & 4095);
  }

  /** Decodes from fetched bytes into the scratch record for a record, or for none. */
  #decodeScratch(record: number, eip: number, linear: number, offset: number): number {
    // Two slots in turn: a branch is given a link to its target, which must not be its own slot.
    this.#turn ^= recordBytes;
    const owner = record === unbacked ? this.#turn : record;
    const window = this.#window;
    const most = Math.min(longestInstruction + 1, this.#room(eip));
    let fault = noFault;
    let length = 0;
    for (; length < most; length++) {
      window[length] = this.#access.fetch8((linear + length) | 0);
      fault = this.#access.fault;
      if (fault !== noFault) break;
    }
    // Behind the end of the segment there is nothing to fetch.
    if (fault === noFault && most <= longestInstruction) {
      fault = faultWithError(Vector.generalProtection, 0);
    }
    if (length === 0) return this.#fault(eip, fault);
    const mode = this.#state[Word.codeMode] ?? 0;
    const result = decodeInto(this.#instruction, window, 0, length, bitsOf(mode), this.#forms);
    if (result === NEED_MORE && fault !== noFault) return this.#fault(eip, fault);
    const slot = this.#scratch.slot(owner);
    this.#writeOne(slot, result, offset, mode);
    const used = result > 0 ? result : 0;
    this.#writer.writeBare(slot + recordBytes, SpecialHandler.stale, offset + used);
    this.#scratch.keep(owner, window, used);
    this.#interpreter?.flush();
    return slot;
  }

  /** The mode of the block for an EIP in the code segment; that of its last page has its end. */
  #blockMode(eip: number, mode: number): number {
    const state = this.#state;
    const limit = state[codeSegment + (SegmentField.limit >> 2)] ?? 0;
    if (limit === -1 || eip >>> 0 < (state[Word.fetchEnd] ?? 0) >>> 0) return mode;
    const last = (state[codeSegment + (SegmentField.base >> 2)] ?? 0) + limit;
    return mode | CodeMode.limited | ((last & 4095) << 16);
  }

  /** How many bytes of the code segment there are from an EIP on; one of 4 GiB has no end. */
  #room(eip: number): number {
    const limit = this.#state[codeSegment + (SegmentField.limit >> 2)] ?? 0;
    return limit === -1 ? Infinity : Math.max(0, (limit >>> 0) - (eip >>> 0) + 1);
  }

  /** Puts a record behind another that looks up what stands there. */
  #lookUpNext(block: number, previous: number, offset: number): void {
    if (previous === 0) return;
    const last = this.#append(block, previous, offset);
    if (last !== 0) this.#writer.writeBare(last, SpecialHandler.stale, offset);
  }

  /** Decodes a run of instructions into records; returns the first, 0 without room. */
  #decodeRun(block: number, page: number, start: number, mode: number, room: number): number {
    const cache = this.#cache;
    const backing = this.#physical.backing(page);
    const records = this.#runRecords;
    records.length = 0;
    this.#run.length = 0;
    let offset = start;
    let goesOn = true;
    while (goesOn && records.length < maximumRun && offset < 4096) {
      const previous = records[records.length - 1] ?? 0;
      const known = cache.lookup(block, offset);
      if (known !== 0) {
        this.#continueAt(block, previous, offset, known);
        break;
      }
      const from = backing + offset;
      const to = backing + Math.min(4096, start + room);
      const [target, bits] = [this.#instruction, bitsOf(mode)];
      const result = decodeInto(target, this.#bytes, from, to, bits, this.#forms);
      if (result === NEED_MORE && to < backing + 4096) {
        // What goes beyond the segment is decoded each time, and faults.
        this.#lookUpNext(block, previous, offset);
        break;
      }
      // Any of its bytes may make an instruction undefined, as the next page may one that crosses.
      const length = result > 0 ? result : Math.min(longestInstruction, 4096 - offset);
      const record = this.#append(block, previous, offset);
      if (record === 0) break;
      this.#run.push(this.#writeOne(record, result, offset, mode));
      records.push(record);
      cache.link(block, offset, record, length);
      offset += length;
      goesOn = result > 0 && !this.#endsRun();
      if (!goesOn) this.#noteCall(offset);
      if (goesOn && (records.length === maximumRun || offset === 4096)) {
        this.#lookUpNext(block, record, offset);
      }
    }
    this.#chooseHandlers(page, mode);
    return records[0] ?? 0;
  }

  /** Tells of the call that ends before an offset, if one does. */
  #noteCall(end: number): void {
    const { form, operandKind, immediate } = this.#instruction;
    if (FORMS[form]?.flow !== 'call' || operandKind[0] !== OperandKind.relative) return;
    this.#regions?.callMet((this.#linearPage + end + immediate) | 0);
  }

  /** Gives records of the run the handlers of regions, and of cases for several instructions. */
  #chooseHandlers(page: number, mode: number): void {
    const run = this.#run;
    const records = this.#runRecords;
    const halves = this.#halves;
    let adjacent = 0;
    for (let at = run.length - 1; at >= 0; at--) {
      const record = records[at] ?? 0;
      adjacent = records[at + 1] === record + recordBytes ? adjacent + 1 : 1;
      const offset = halves[(record + RecordField.offset) >> 1] ?? 0;
      const entry = this.#regions?.entryAt(page, offset, mode) ?? 0;
      if (entry !== 0) halves[record >> 1] = entry;
      const match = entry === 0 ? this.#interpreter?.match(run, at, adjacent) : undefined;
      if (match === undefined) continue;
      const last = records[at + match.instructions - 1] ?? 0;
      const end =
        (halves[(last + RecordField.offset) >> 1] ?? 0) +
        (this.#bytes[last + RecordField.length] ?? 0);
      if (end - offset > maxExtentBytes) continue;
      this.#bytes[record + RecordField.extent] = end - offset;
      halves[record >> 1] = match.handler;
    }
  }

  /** A new record after `previous`, to which a "continue" leads where they are not adjacent. */
  #append(block: number, previous: number, offset: number): number {
    const record = this.#cache.allocate(block, offset);
    if (previous === 0 || record === previous + recordBytes) return record;
    if (record === 0) this.#writer.writeBare(previous + recordBytes, SpecialHandler.stale, offset);
    else this.#writer.writeBare(previous + recordBytes, SpecialHandler.continue, offset, record);
    return record;
  }

  #continueAt(block: number, previous: number, offset: number, known: number): void {
    const record = this.#append(block, previous, offset);
    if (record !== 0) this.#writer.writeBare(record, SpecialHandler.continue, offset, known);
  }

  #endsRun(): boolean {
    const form = FORMS[this.#instruction.form];
    // INTO goes on with the next instruction unless OF is set.
    return form === undefined || (endsRun.has(form.flow) && form.operation !== 'INTO');
  }

  /** Writes a record from what the decoder said. */
  #writeOne(record: number, result: number, offset: number, mode: number): CaseInstruction {
    const instruction = this.#instruction;
    const isValid = result > 0;
    const variant = isValid ? variantOf(instruction, mode) : invalidVariant(result);
    const handler = this.#interpreter?.handler(variant) ?? 0;
    if (isValid) this.#writer.write(record, instruction, handler, offset);
    else this.#writer.writeBare(record, handler, offset);
    return { variant, registers: isValid ? packRegisters(instruction) : 0 };
  }

  #fault(eip: number, fault: number): number {
    const state = this.#state;
    this.#access.record(fault);
    state[Word.rip] = eip;
    state[Word.rip + 1] = 0;
    state[Word.exitReason] = 1;
    return 0;
  }
}

function invalidVariant(result: number): number {
  const undefinedOpcode = result === INVALID || result === INVALID_LOCK;
  if (undefinedOpcode) return InvalidVariant.undefinedOpcode;
  return result === TOO_LONG ? InvalidVariant.tooLong : InvalidVariant.crossing;
}

/** Bits of the instructions of a code mode. */
export function bitsOf(mode: number): 16 | 32 | 64 {
  if ((mode & CodeMode.code64) !== 0) return 64;
  return (mode & CodeMode.code32) !== 0 ? 32 : 16;
}
