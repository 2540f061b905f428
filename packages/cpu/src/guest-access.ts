/**
 * Guest memory by linear address for everything that is not the fast path of generated code: its
 * slow path, segmentation, and callouts.
 *
 * Hot: `readSlow` and `writeSlow` (page-table writes, MMIO, first touches).
 */
import type { MachineMemory, PhysicalMemory } from '@ringfence/memory';
import { CpuState, SegmentField, segmentBytes, SegmentRegister } from '@ringfence/memory';
import type { Fault, LinearMemory } from '@ringfence/segmentation';
import { faultWithError, noFault, pageFault, Vector } from '@ringfence/segmentation';
import type { ShadowPaging } from '@ringfence/shadow-paging';
import { Access, FillResult, Privilege } from '@ringfence/shadow-paging';
import type { DebugUnit } from './debug-unit.ts';
import { goesRound } from './segment-wrap.ts';
import { Word } from './state-view.ts';

const pageMask = 4095;
const codeSegment = CpuState.segments + segmentBytes * SegmentRegister.cs;
const codeBase = (codeSegment + SegmentField.base) >> 2;
const codeLimit = (codeSegment + SegmentField.limit) >> 2;

/** Linear guest memory with paging, traces, MMIO and page faults. */
export class GuestAccess implements LinearMemory {
  fault: Fault = noFault;
  /** Linear address of an access that faulted as it went round the end of a flat segment. */
  roundAt: number | undefined = undefined;
  /** Whether such accesses are done: those by FS and GS, whose offset does not go round. */
  allowsRound: boolean = false;
  readonly #state: Int32Array;
  readonly #view: DataView;
  readonly #physical: PhysicalMemory;
  readonly #shadow: ShadowPaging;
  /** FillResult of the last successful translation. */
  #found: number = FillResult.hole;
  /** Where it goes: linear-memory address for `ok`, guest-physical address for `uncached`. */
  #address = 0;

  readonly #debug: DebugUnit;

  constructor(
    machine: MachineMemory,
    physical: PhysicalMemory,
    shadow: ShadowPaging,
    debug: DebugUnit,
  ) {
    this.#debug = debug;
    this.#state = machine.i32;
    this.#view = machine.view;
    this.#physical = physical;
    this.#shadow = shadow;
  }

  /** Slow path of a load by generated code; records the fault in the CPU state. */
  readSlow(linear: number, bytes: number): number {
    const privilege = this.#privilege();
    if (this.#misaligned(linear, bytes) || this.#refusesRound(linear, bytes)) return 0;
    const state = this.#state;
    if (this.#debug.dataActive) this.#debug.accessed(linear, bytes, false);
    if (bytes <= 4) {
      const value = this.#read(linear, bytes, privilege);
      if (this.fault !== noFault) this.record(this.fault);
      return value;
    }
    for (let offset = 0; offset < bytes; offset += 4) {
      const value = this.#read((linear + offset) | 0, 4, privilege);
      if (this.fault !== noFault) {
        this.record(this.fault);
        return 0;
      }
      state[Word.transfer + (offset >> 2)] = value;
    }
    return 0;
  }

  /** Slow path of a store by generated code; 8 and 16 bytes come from `CpuState.transfer`. */
  writeSlow(linear: number, bytes: number, value: number): void {
    const privilege = this.#privilege();
    if (this.#misaligned(linear, bytes) || this.#refusesRound(linear, bytes)) return;
    if (this.#debug.dataActive) this.#debug.accessed(linear, bytes, true);
    if (bytes > 4) {
      const probed = this.#probe(linear, bytes, privilege);
      if (probed !== noFault) {
        this.record(probed);
        return;
      }
      for (let offset = 0; offset < bytes; offset += 4) {
        const word = this.#state[Word.transfer + (offset >> 2)] ?? 0;
        this.#write((linear + offset) | 0, 4, word, privilege);
      }
      return;
    }
    const fault = this.#write(linear, bytes, value, privilege);
    if (fault !== noFault) this.record(fault);
  }

  /** Faults, in the CPU state, unless the bytes may be written at the current privilege. */
  probeSlow(linear: number, bytes: number): void {
    // 80-bit numbers are aligned by 8, pseudo-descriptors by 4 (SDM 3A table 6-7).
    if (this.#misaligned(linear, bytes === 10 ? 8 : bytes === 6 ? 4 : bytes)) return;
    if (this.#refusesRound(linear, bytes)) return;
    const fault = this.#probe(linear, bytes, this.#privilege());
    if (fault !== noFault) this.record(fault);
  }

  /**
   * Where a byte is in linear memory, for a string instruction that does the rest of the page in
   * bulk; 0 where it must go element by element. To be told of what was written by `wroteSlow`.
   */
  reachSlow(linear: number, write: number): number {
    if (this.#debug.dataActive) return 0;
    const shadow = this.#shadow;
    const access = write === 0 ? Access.read : Access.write;
    const found = shadow.fill(linear, access, this.#privilege());
    if (found === FillResult.ok) return shadow.address;
    if (found !== FillResult.uncached || write === 0) return 0;
    const target = this.#physical.writeTarget(shadow.physical >>> 12);
    return target < 0 ? 0 : target + (shadow.physical & pageMask);
  }

  /** Bytes in one page were written where `reachSlow` said. */
  wroteSlow(linear: number, bytes: number): void {
    const shadow = this.#shadow;
    const found = shadow.fill(linear, Access.write, this.#privilege());
    if (found === FillResult.uncached) this.#physical.traces.notify(shadow.physical, bytes);
  }

  /** Puts a fault where generated code and the run loop find it. */
  record(fault: Fault): void {
    this.#state[Word.faultVector] = fault & 0x1ff;
    this.#state[Word.faultError] = fault >>> 16;
  }

  read8(linear: number, system: boolean): number {
    if (this.#debug.dataActive && !system) this.#debug.accessed(linear, 1, false);
    return this.#read(linear, 1, this.#privilegeFor(system));
  }

  read16(linear: number, system: boolean): number {
    if (this.#debug.dataActive && !system) this.#debug.accessed(linear, 2, false);
    if (!system && this.#isMisaligned(linear, 2)) {
      this.fault = faultWithError(Vector.alignmentCheck, 0);
      return 0;
    }
    return this.#read(linear, 2, this.#privilegeFor(system));
  }

  read32(linear: number, system: boolean): number {
    if (this.#debug.dataActive && !system) this.#debug.accessed(linear, 4, false);
    if (!system && this.#isMisaligned(linear, 4)) {
      this.fault = faultWithError(Vector.alignmentCheck, 0);
      return 0;
    }
    return this.#read(linear, 4, this.#privilegeFor(system));
  }

  write8(linear: number, value: number, system: boolean): Fault {
    if (this.#debug.dataActive && !system) this.#debug.accessed(linear, 1, true);
    return this.#write(linear, 1, value, this.#privilegeFor(system));
  }

  write16(linear: number, value: number, system: boolean): Fault {
    if (this.#debug.dataActive && !system) this.#debug.accessed(linear, 2, true);
    return this.#write(linear, 2, value, this.#privilegeFor(system));
  }

  write32(linear: number, value: number, system: boolean): Fault {
    if (this.#debug.dataActive && !system) this.#debug.accessed(linear, 4, true);
    return this.#write(linear, 4, value, this.#privilegeFor(system));
  }

  probeWrite(linear: number, bytes: number, system: boolean): Fault {
    return this.#probe(linear, bytes, this.#privilegeFor(system));
  }

  /** Linear base of the code segment. */
  get codeBase(): number {
    return this.#state[codeBase] ?? 0;
  }

  /** Last offset of the code segment, unsigned. */
  get codeLimit(): number {
    return (this.#state[codeLimit] ?? 0) >>> 0;
  }

  /** Fetches an instruction byte at the current privilege; `fault` says whether it could. */
  fetch8(linear: number): number {
    this.fault = this.#translate(linear, Access.execute, this.#privilege());
    return this.fault === noFault ? this.#readHere(1) : 0;
  }

  /** Guest-physical address of the last `translateFetch`; -1 where there is no memory. */
  physicalAddress = -1;

  /** Translates for an instruction fetch; the physical address is in `physicalAddress`. */
  translateFetch(linear: number): Fault {
    const shadow = this.#shadow;
    const found = shadow.translate(linear, Access.execute, this.#privilege());
    if (found === FillResult.fault) {
      this.#state[Word.cr2] = linear;
      return pageFault(shadow.errorCode);
    }
    this.physicalAddress = found === FillResult.ok ? shadow.physical >>> 0 : -1;
    return noFault;
  }

  /** Guest-physical address of a linear one for the guest itself; -1 where it may not go there. */
  physicalFor(linear: number, access: number): number {
    const shadow = this.#shadow;
    const found = shadow.translate(linear, access, this.#privilege());
    return found === FillResult.ok || found === FillResult.uncached ? shadow.physical >>> 0 : -1;
  }

  /** Fills `target` from guest-physical memory; what is not memory reads as all ones. */
  readPhysical(physical: number, target: Uint8Array): void {
    this.#physical.read(physical, target);
  }

  #privilege(): number {
    return this.#state[Word.cpl] === 3 ? Privilege.user : Privilege.supervisor;
  }

  #privilegeFor(system: boolean): number {
    return system ? Privilege.system : this.#privilege();
  }

  /**
   * #AC for generated code's accesses: only CPL 3 with AM and AC set (SDM 3A 6.15, interrupt 17).
   */
  #misaligned(linear: number, bytes: number): boolean {
    if (!this.#isMisaligned(linear, bytes)) return false;
    this.record(faultWithError(Vector.alignmentCheck, 0));
    return true;
  }

  /** #GP(0), which the run loop makes #SS(0), or has the access done, by what the segment is. */
  #refusesRound(linear: number, bytes: number): boolean {
    if (!goesRound(this.#state, linear, bytes) || this.allowsRound) return false;
    this.roundAt = linear;
    this.record(faultWithError(Vector.generalProtection, 0));
    return true;
  }

  #isMisaligned(linear: number, bytes: number): boolean {
    return this.#state[Word.alignmentCheck] !== 0 && (linear & (bytes - 1)) !== 0;
  }

  /** Looks an address up and notes in `#found` and `#address` where the access goes. */
  #translate(linear: number, access: number, privilege: number): Fault {
    const shadow = this.#shadow;
    const found = shadow.fill(linear, access, privilege);
    if (found === FillResult.fault) {
      this.#state[Word.cr2] = linear;
      return pageFault(shadow.errorCode);
    }
    this.#found = found;
    this.#address = (found === FillResult.ok ? shadow.address : shadow.physical) >>> 0;
    return noFault;
  }

  #read(linear: number, bytes: number, privilege: number): number {
    if ((linear & pageMask) + bytes > pageMask + 1) {
      return this.#readAcross(linear, bytes, privilege);
    }
    this.fault = this.#translate(linear, Access.read, privilege);
    return this.fault === noFault ? this.#readHere(bytes) : 0;
  }

  /** Reads at the place of the last translation. */
  #readHere(bytes: number): number {
    const address = this.#address;
    if (this.#found === FillResult.ok) {
      if (bytes === 4) return this.#view.getInt32(address, true);
      return bytes === 1 ? this.#view.getUint8(address) : this.#view.getUint16(address, true);
    }
    if (this.#found === FillResult.hole) return bytes === 4 ? -1 : (1 << (8 * bytes)) - 1;
    const physical = this.#physical;
    if (bytes === 4) return physical.read32(address);
    return bytes === 1 ? physical.read8(address) : physical.read16(address);
  }

  #readAcross(linear: number, bytes: number, privilege: number): number {
    let value = 0;
    for (let index = 0; index < bytes; index++) {
      this.fault = this.#translate((linear + index) | 0, Access.read, privilege);
      if (this.fault !== noFault) return 0;
      value |= this.#readHere(1) << (8 * index);
    }
    return value;
  }

  #write(linear: number, bytes: number, value: number, privilege: number): Fault {
    if ((linear & pageMask) + bytes > pageMask + 1) {
      const fault = this.#probe(linear, bytes, privilege);
      for (let index = 0; index < bytes && fault === noFault; index++) {
        this.#write((linear + index) | 0, 1, (value >>> (8 * index)) & 0xff, privilege);
      }
      return fault;
    }
    const fault = this.#translate(linear, Access.write, privilege);
    if (fault === noFault) this.#writeHere(bytes, value);
    return fault;
  }

  #writeHere(bytes: number, value: number): void {
    const address = this.#address;
    if (this.#found === FillResult.hole) return;
    if (this.#found === FillResult.ok) {
      if (bytes === 4) this.#view.setInt32(address, value, true);
      else if (bytes === 1) this.#view.setUint8(address, value);
      else this.#view.setUint16(address, value, true);
      return;
    }
    const physical = this.#physical;
    if (bytes === 4) physical.write32(address, value);
    else if (bytes === 1) physical.write8(address, value & 0xff);
    else physical.write16(address, value & 0xffff);
  }

  #probe(linear: number, bytes: number, privilege: number): Fault {
    const fault = this.#translate(linear, Access.write, privilege);
    if (fault !== noFault) return fault;
    const last = (linear + bytes - 1) | 0;
    if ((linear ^ last) >>> 12 === 0) return noFault;
    // A fault in the second page is one of its first byte.
    return this.#translate(last & -4096, Access.write, privilege);
  }
}
