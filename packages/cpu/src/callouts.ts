/**
 * The host's half of instructions that generated code cannot do alone, by callout number.
 *
 * Hot: interrupts, IRET, SYSENTER, segment loads, control registers. Each is one method; the table
 * at the end of the class binds them to the numbers that the semantics use.
 */
import type { CpuidValues, HypercallRegisters } from '@ringfence/hypercall';
import { hypervisorLeaf } from '@ringfence/hypercall';
import { CpuState, Eflags, readEflags, SegmentRegister } from '@ringfence/memory';
import type { Fault, OperandBytes, Segmentation } from '@ringfence/segmentation';
import {
  generalProtection,
  InterruptKind,
  invalidOpcode,
  noErrorCode,
  noFault,
} from '@ringfence/segmentation';
import { Callout, CalloutResult } from '@ringfence/translator';
import type { ControlRegisters } from './control-registers.ts';
import type { GuestAccess } from './guest-access.ts';
import type { CpuHost } from './interfaces.ts';
import type { CpuModel } from './model.ts';
import { cpuidLeaf } from './model.ts';
import { Msr } from './model-specific-registers.ts';
import type { ModelSpecificRegisters } from './model-specific-registers.ts';
import { Cr0, Word } from './state-view.ts';

const gprEax = Word.gpr;
const gprEcx = Word.gpr + 2;
const gprEdx = Word.gpr + 4;
const gprEbx = Word.gpr + 6;
const exitHalt = 3;

/** What callouts need of the CPU around them. */
export interface CalloutContext {
  readonly state: Int32Array;
  readonly segmentation: Segmentation;
  readonly control: ControlRegisters;
  readonly registers: ModelSpecificRegisters;
  readonly access: GuestAccess;
  readonly host: CpuHost;
  readonly model: CpuModel;
  /** Ends the run after the current instruction. */
  attention(): void;
  /** Instructions retired, the current one included. */
  retired(): number;
  /** Blocks maskable interrupts before the next instruction. */
  shadowInterrupts(): void;
  /** The TSC as the guest sees it. */
  tsc(): number;
  setTsc(value: number): void;
}

type Handler = (a: number, b: number, c: number) => number;

/** Serves callouts; every method returns a CalloutResult. */
export class Callouts {
  readonly #context: CalloutContext;
  readonly #state: Int32Array;
  readonly #halves: Uint16Array;
  readonly #bytes: Uint8Array;
  readonly #handlers: Handler[];
  /** How often each callout was made, by number. */
  readonly counts: Float64Array = new Float64Array(64);

  constructor(context: CalloutContext) {
    this.#context = context;
    this.#state = context.state;
    this.#halves = new Uint16Array(context.state.buffer);
    this.#bytes = new Uint8Array(context.state.buffer);
    const undefinedOpcode: Handler = () => this.#fault(invalidOpcode);
    this.#handlers = new Array<Handler>(64).fill(undefinedOpcode);
    this.#bindTransfers();
    this.#bindSystem();
  }

  /** Serves one callout of the record in `CpuState.record`. */
  call(number: number, a: number, b: number, c: number): number {
    const state = this.#state;
    const record = state[Word.record] ?? 0;
    const eip = ((state[Word.eipBase] ?? 0) + (this.#halves[(record + 2) >> 1] ?? 0)) | 0;
    state[Word.rip] = eip;
    state[Word.nextEip] = (eip + (this.#bytes[record + 4] ?? 0)) | 0;
    this.counts[number] = (this.counts[number] ?? 0) + 1;
    const handler = this.#handlers[number];
    return handler === undefined ? this.#fault(invalidOpcode) : handler(a, b, c);
  }

  #bindTransfers(): void {
    const { segmentation, control } = this.#context;
    const on = (number: number, handler: Handler): void => {
      this.#handlers[number] = handler;
    };
    on(Callout.interrupt, (vector, source) => this.#interrupt(vector, source));
    on(Callout.interruptReturn, (size) => this.#transfer(segmentation.iret(bytesOf(size))));
    on(Callout.farJump, (selector, offset, size) =>
      this.#transfer(segmentation.farJump(selector, offset, bytesOf(size))),
    );
    on(Callout.farCall, (selector, offset, size) =>
      this.#transfer(segmentation.farCall(selector, offset, bytesOf(size))),
    );
    on(Callout.farReturn, (released, _, size) =>
      this.#transfer(segmentation.farReturn(released, bytesOf(size))),
    );
    on(Callout.loadSegment, (register, selector, write) =>
      this.#loadSegment(register, selector, write),
    );
    on(Callout.sysenter, () => {
      const { registers } = this.#context;
      return this.#transfer(
        segmentation.sysenter(
          registers.low(Msr.sysenterCs),
          registers.low(Msr.sysenterEsp),
          registers.low(Msr.sysenterEip),
        ),
      );
    });
    on(Callout.sysexit, () =>
      this.#transfer(segmentation.sysexit(this.#context.registers.low(Msr.sysenterCs))),
    );
    on(Callout.syscall, () => {
      const star = this.#context.registers.read(Msr.star);
      return this.#transfer(segmentation.syscall(star?.low ?? 0, star?.high ?? 0));
    });
    on(Callout.sysret, () =>
      this.#transfer(segmentation.sysret(this.#context.registers.read(Msr.star)?.high ?? 0)),
    );
    on(Callout.halt, () => this.#halt());
    on(Callout.readControl, (register) => this.#readControl(register));
    on(Callout.writeControl, (register, value) => {
      if (this.#state[Word.cpl] !== 0) return this.#fault(generalProtection(0));
      return this.#redo(control.write(register, value));
    });
  }

  #bindSystem(): void {
    const { segmentation, host } = this.#context;
    const on = (number: number, handler: Handler): void => {
      this.#handlers[number] = handler;
    };
    on(Callout.portIn, (port, bytes) => this.#portIn(port, bytes));
    on(Callout.portOut, (port, bytes, value) => this.#portOut(port, bytes, value));
    on(Callout.portCheck, (port, bytes) => this.#result(segmentation.checkIo(port, bytes)));
    on(Callout.cpuid, () => this.#cpuid());
    on(Callout.readTsc, (_, withAux) => this.#readTsc(withAux));
    on(Callout.readMsr, () => this.#readMsr());
    on(Callout.writeMsr, () => this.#writeMsr());
    on(Callout.readPmc, () => this.#fault(generalProtection(0)));
    on(Callout.readDebug, (register) => this.#readDebug(register));
    on(Callout.writeDebug, (register, value) => this.#writeDebug(register, value));
    on(Callout.storeDescriptorTable, (which) => this.#storeDescriptorTable(which));
    on(Callout.loadDescriptorTable, (which, limit, base) => {
      if (this.#state[Word.cpl] !== 0) return this.#fault(generalProtection(0));
      // The 24-bit base of a 16-bit operand size is masked by the semantics.
      return this.#result(
        which === 0 ? segmentation.lgdt(base, limit, 4) : segmentation.lidt(base, limit, 4),
      );
    });
    on(Callout.storeSystem, (which) => this.#storeSystem(which));
    on(Callout.loadSystem, (which, value) => this.#loadSystem(which, value));
    on(Callout.inspectSelector, (which, selector) => this.#inspect(which, selector));
    on(Callout.invalidatePage, () => this.#privileged());
    on(Callout.system, (which) => this.#system(which));
    on(Callout.interruptFlag, (enable) => this.#interruptFlag(enable));
    on(Callout.pushFlags, (size) => {
      const fault = segmentation.pushf(bytesOf(size));
      this.#state[Word.transfer] = segmentation.result;
      return this.#result(fault);
    });
    on(Callout.popFlags, (size, image, write) => this.#popFlags(size, image, write));
    on(Callout.random, (_, bytes) => {
      this.#state[Word.transfer] = host.random() | 0;
      if (bytes === 8) this.#state[Word.transfer + 1] = host.random() | 0;
      return CalloutResult.goOn;
    });
  }

  #fault(fault: Fault): number {
    this.#context.access.record(fault);
    this.#state[Word.exitReason] = 1;
    return CalloutResult.leave;
  }

  #result(fault: Fault): number {
    return fault === noFault ? CalloutResult.goOn : this.#fault(fault);
  }

  /** For far transfers: `rip` is the new EIP. Interrupts may have become deliverable. */
  #transfer(fault: Fault): number {
    if (fault !== noFault) return this.#fault(fault);
    const state = this.#state;
    state[Word.target] = state[Word.rip] ?? 0;
    if (this.#context.host.interrupts.requested) this.#context.attention();
    return CalloutResult.lookup;
  }

  /** For instructions that change how the next one is fetched. */
  #redo(fault: Fault): number {
    if (fault !== noFault) return this.#fault(fault);
    this.#state[Word.target] = this.#state[Word.nextEip] ?? 0;
    return CalloutResult.lookup;
  }

  #privileged(): number {
    return this.#state[Word.cpl] === 0 ? CalloutResult.goOn : this.#fault(generalProtection(0));
  }

  #interrupt(vector: number, source: number): number {
    const kinds: readonly InterruptKind[] = [
      InterruptKind.software,
      InterruptKind.softwareTrap,
      InterruptKind.privilegedTrap,
    ];
    const kind = kinds[source] ?? InterruptKind.software;
    return this.#transfer(this.#context.segmentation.interrupt(vector, kind, noErrorCode));
  }

  #loadSegment(register: number, selector: number, write: number): number {
    const state = this.#state;
    const mode = state[Word.codeMode];
    const fault = this.#context.segmentation.loadSegment(register, selector & 0xffff);
    if (fault !== noFault) return this.#fault(fault);
    this.#deferredWrite(write);
    if (register === SegmentRegister.ss) this.#context.shadowInterrupts();
    // A new code mode needs other records, which a lookup finds.
    return state[Word.codeMode] === mode ? CalloutResult.goOn : this.#redo(noFault);
  }

  /** The register write that an instruction left to its callout: `address << 8 | bytes`, 0 none. */
  #deferredWrite(write: number): void {
    if (write === 0) return;
    const address = write >>> 8;
    const value = this.#state[Word.transfer] ?? 0;
    if ((write & 0xff) === 2) this.#halves[address >> 1] = value;
    else this.#state[address >> 2] = value;
  }

  #popFlags(size: number, image: number, write: number): number {
    const { segmentation } = this.#context;
    const fault = segmentation.popf(image, bytesOf(size));
    if (fault !== noFault) return this.#fault(fault);
    this.#deferredWrite(write);
    this.#context.attention();
    return CalloutResult.goOn;
  }

  #halt(): number {
    if (this.#state[Word.cpl] !== 0) return this.#fault(generalProtection(0));
    this.#state[Word.rip] = this.#state[Word.nextEip] ?? 0;
    this.#state[Word.exitReason] = exitHalt;
    return CalloutResult.leave;
  }

  #readControl(register: number): number {
    const { control } = this.#context;
    if (!control.exists(register)) return this.#fault(invalidOpcode);
    if (this.#state[Word.cpl] !== 0) return this.#fault(generalProtection(0));
    this.#state[Word.transfer] = control.read(register);
    return CalloutResult.goOn;
  }

  #portIn(port: number, bytes: number): number {
    const fault = this.#context.segmentation.checkIo(port & 0xffff, bytes);
    if (fault !== noFault) return this.#fault(fault);
    const size = bytes as 1 | 2 | 4;
    this.#state[Word.transfer] = this.#context.host.ports.read(port & 0xffff, size);
    return CalloutResult.goOn;
  }

  #portOut(port: number, bytes: number, value: number): number {
    const fault = this.#context.segmentation.checkIo(port & 0xffff, bytes);
    if (fault !== noFault) return this.#fault(fault);
    this.#context.host.ports.write(port & 0xffff, bytes as 1 | 2 | 4, value);
    return CalloutResult.goOn;
  }

  #cpuid(): number {
    const state = this.#state;
    const leaf = state[gprEax] ?? 0;
    const values = this.cpuidValues(leaf, state[gprEcx] ?? 0);
    state[gprEax] = values.eax;
    state[gprEbx] = values.ebx;
    state[gprEcx] = values.ecx;
    state[gprEdx] = values.edx;
    return CalloutResult.goOn;
  }

  /** What CPUID returns. */
  cpuidValues(leaf: number, subleaf: number): CpuidValues {
    const { host, model } = this.#context;
    const unsigned = leaf >>> 0;
    if (unsigned >= hypervisorLeaf && unsigned < hypervisorLeaf + 0x1_0000) {
      const values = host.hypercalls.cpuid(leaf, subleaf);
      if (values !== undefined) return values;
    }
    return cpuidLeaf(model, leaf, host.hypercalls.present);
  }

  #readTsc(withAux: number): number {
    const state = this.#state;
    const disabled = ((state[Word.cr4] ?? 0) & 4) !== 0;
    if (disabled && state[Word.cpl] !== 0 && ((state[Word.cr0] ?? 0) & Cr0.pe) !== 0) {
      return this.#fault(generalProtection(0));
    }
    const tsc = this.#context.tsc();
    state[gprEax] = tsc | 0;
    state[gprEdx] = Math.floor(tsc / 2 ** 32) | 0;
    if (withAux !== 0) state[gprEcx] = this.#context.registers.low(Msr.tscAux);
    return CalloutResult.goOn;
  }

  #readMsr(): number {
    const state = this.#state;
    if (state[Word.cpl] !== 0) return this.#fault(generalProtection(0));
    const number = state[gprEcx] ?? 0;
    const { registers, host } = this.#context;
    if (number === Msr.tsc) return this.#readTsc(0);
    const value =
      number >>> 0 === Msr.efer
        ? { low: state[Word.efer] ?? 0, high: 0 }
        : number === Msr.mtrrCapabilities
          ? { low: 0x508, high: 0 }
          : (registers.read(number) ?? host.hypercalls.readMsr(number));
    if (value === undefined) return this.#fault(generalProtection(0));
    state[gprEax] = value.low;
    state[gprEdx] = value.high;
    return CalloutResult.goOn;
  }

  #writeMsr(): number {
    const state = this.#state;
    if (state[Word.cpl] !== 0) return this.#fault(generalProtection(0));
    const number = state[gprEcx] ?? 0;
    const low = state[gprEax] ?? 0;
    const high = state[gprEdx] ?? 0;
    const { registers, control, host } = this.#context;
    if (number >>> 0 === Msr.efer) return this.#redo(control.writeEfer(low, high));
    if (number === Msr.tsc) {
      this.#context.setTsc((low >>> 0) + (high >>> 0) * 2 ** 32);
      return CalloutResult.goOn;
    }
    if (registers.write(number, low, high)) return CalloutResult.goOn;
    const handled = host.hypercalls.writeMsr(number, low, high) === 'handled';
    return handled ? CalloutResult.goOn : this.#fault(generalProtection(0));
  }

  /** DR4 and DR5 are DR6 and DR7 unless CR4.DE is set (SDM 3B 17.2.2). */
  #debugRegister(register: number): number {
    if (register !== 4 && register !== 5) return register;
    return ((this.#state[Word.cr4] ?? 0) & 8) !== 0 ? -1 : register + 2;
  }

  #readDebug(number: number): number {
    const register = this.#debugRegister(number);
    if (register < 0) return this.#fault(invalidOpcode);
    if (this.#state[Word.cpl] !== 0) return this.#fault(generalProtection(0));
    this.#state[Word.transfer] = this.#state[Word.dr + 2 * register] ?? 0;
    return CalloutResult.goOn;
  }

  #writeDebug(number: number, value: number): number {
    const register = this.#debugRegister(number);
    if (register < 0) return this.#fault(invalidOpcode);
    if (this.#state[Word.cpl] !== 0) return this.#fault(generalProtection(0));
    const fixed =
      register === 6
        ? (value & 0xe00f) | 0xffff_0ff0
        : register === 7
          ? (value & ~0xd000) | 0x400
          : value;
    this.#state[Word.dr + 2 * register] = fixed;
    return CalloutResult.goOn;
  }

  #storeDescriptorTable(which: number): number {
    const fault = this.#context.segmentation.checkUmip();
    if (fault !== noFault) return this.#fault(fault);
    const state = this.#state;
    const at = (which === 0 ? CpuState.gdtr : CpuState.idtr) >> 2;
    state[Word.transfer] = state[at + 2] ?? 0;
    state[Word.transfer + 1] = state[at] ?? 0;
    return CalloutResult.goOn;
  }

  #storeSystem(which: number): number {
    const { segmentation } = this.#context;
    if (which === 2) {
      const fault = segmentation.checkUmip();
      this.#state[Word.transfer] = this.#state[Word.cr0] ?? 0;
      return this.#result(fault);
    }
    const fault = which === 0 ? segmentation.sldt() : segmentation.str();
    this.#state[Word.transfer] = segmentation.result;
    return this.#result(fault);
  }

  #loadSystem(which: number, value: number): number {
    const { segmentation, control } = this.#context;
    if (which === 0) return this.#result(segmentation.lldt(value & 0xffff));
    if (which === 1) return this.#result(segmentation.ltr(value & 0xffff));
    if (this.#state[Word.cpl] !== 0) return this.#fault(generalProtection(0));
    // LMSW sets PE, MP, EM, TS and cannot clear PE (SDM 2A LMSW).
    const old = this.#state[Word.cr0] ?? 0;
    return this.#redo(control.writeCr0((old & ~0xe) | (value & 0xf)));
  }

  #inspect(which: number, selector: number): number {
    const { segmentation } = this.#context;
    const operations = [
      () => segmentation.lar(selector & 0xffff, 4),
      () => segmentation.lsl(selector & 0xffff, 4),
      () => segmentation.verr(selector & 0xffff),
      () => segmentation.verw(selector & 0xffff),
    ];
    const fault = operations[which]?.() ?? invalidOpcode;
    this.#state[Word.transfer] = segmentation.result;
    this.#state[Word.transfer + 1] = (readEflags(this.#state) & Eflags.zf) === 0 ? 0 : 1;
    return this.#result(fault);
  }

  #system(which: number): number {
    switch (which) {
      case 0:
      case 1:
      case 6:
      case 7:
        return this.#privileged();
      case 2: {
        const refused = this.#privileged();
        if (refused !== CalloutResult.goOn) return refused;
        return this.#result(this.#context.control.writeCr0((this.#state[Word.cr0] ?? 0) & ~Cr0.ts));
      }
      case 4:
      case 5:
        return this.#hypercall();
      case 9:
      case 10:
        return this.#alignmentCheckFlag(which === 10);
      default:
        return this.#fault(invalidOpcode);
    }
  }

  /** CLAC and STAC: #UD unless CR4.SMAP can be set, which no model has yet. */
  #alignmentCheckFlag(_set: boolean): number {
    return this.#fault(invalidOpcode);
  }

  #hypercall(): number {
    const state = this.#state;
    const registers: HypercallRegisters = {
      cpl: state[Word.cpl] ?? 0,
      long: false,
      low: (register) => state[Word.gpr + 2 * register] ?? 0,
      high: () => 0,
      set: (register, low) => {
        state[Word.gpr + 2 * register] = low;
      },
    };
    const served = this.#context.host.hypercalls.hypercall(registers);
    return served ? CalloutResult.goOn : this.#fault(invalidOpcode);
  }

  #interruptFlag(enable: number): number {
    const { segmentation } = this.#context;
    const before = this.#state[Word.eflags] ?? 0;
    const fault = enable === 0 ? segmentation.cli() : segmentation.sti();
    if (fault !== noFault) return this.#fault(fault);
    if (enable !== 0 && ((this.#state[Word.eflags] ?? 0) & ~before & 0x200) !== 0) {
      this.#context.shadowInterrupts();
      if (this.#context.host.interrupts.requested) this.#context.attention();
    }
    return CalloutResult.goOn;
  }
}

/** Operand size in bytes from bits; segmentation knows 16 and 32. */
function bytesOf(size: number): OperandBytes {
  return size === 16 ? 2 : 4;
}
