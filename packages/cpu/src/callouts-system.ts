/**
 * Callouts of system registers and of what the CPU tells of itself: control, debug,
 * descriptor-table and model-specific registers, CPUID, TSC, hypercalls.
 */
import type { CpuidValues, HypercallRegisters } from '@ringfence/hypercall';
import { hypervisorLeaf } from '@ringfence/hypercall';
import { CpuState, Eflags, readEflags } from '@ringfence/memory';
import type { Fault } from '@ringfence/segmentation';
import { fault, generalProtection, invalidOpcode, noFault, Vector } from '@ringfence/segmentation';
import { Access } from '@ringfence/shadow-paging';
import { Callout, CalloutResult } from '@ringfence/translator';
import type { CalloutContext, CalloutOutcome, Handler } from './callout-outcome.ts';
import { DebugStatus, generalDetect } from './debug-unit.ts';
import { cpuidLeaf } from './model.ts';
import { Msr } from './model-specific-registers.ts';
import { Cr0, Cr4, Eflag, Word } from './state-view.ts';
import { add, subtract } from './time-stamp-counter.ts';

const gprEax = Word.gpr;
const gprEcx = Word.gpr + 2;
const gprEdx = Word.gpr + 4;
const gprEbx = Word.gpr + 6;
/** Performance counters that RDPMC reads. */
const performanceCounters = 4;

/** Serves the callouts of system registers; `bind` puts them into the table of all callouts. */
export class SystemCallouts {
  readonly #context: CalloutContext;
  readonly #outcome: CalloutOutcome;
  readonly #state: Int32Array;

  constructor(context: CalloutContext, outcome: CalloutOutcome) {
    this.#context = context;
    this.#outcome = outcome;
    this.#state = context.state;
  }

  /** Sets the handlers of these callouts, by number. */
  bind(handlers: Handler[]): void {
    const { segmentation, control } = this.#context;
    const on = (number: number, handler: Handler): void => {
      handlers[number] = handler;
    };
    on(Callout.readControl, (register) => this.#readControl(register));
    on(Callout.writeControl, (register, value) => {
      if (this.#state[Word.cpl] !== 0) return this.#outcome.fault(generalProtection(0));
      return this.#outcome.redo(control.write(register, value));
    });
    on(Callout.cpuid, () => this.#cpuid());
    on(Callout.readTsc, (_, withAux) => this.#readTsc(withAux));
    on(Callout.readMsr, () => this.#readMsr());
    on(Callout.writeMsr, () => this.#writeMsr());
    on(Callout.readPmc, () => this.#readCounter());
    on(Callout.readDebug, (register) => this.#readDebug(register));
    on(Callout.writeDebug, (register, value) => this.#writeDebug(register, value));
    on(Callout.storeDescriptorTable, (which) => this.#storeDescriptorTable(which));
    on(Callout.loadDescriptorTable, (which, limit, base) => {
      if (this.#state[Word.cpl] !== 0) return this.#outcome.fault(generalProtection(0));
      // The 24-bit base of a 16-bit operand size is masked by the semantics.
      return this.#outcome.result(
        which === 0 ? segmentation.lgdt(base, limit, 4) : segmentation.lidt(base, limit, 4),
      );
    });
    on(Callout.storeSystem, (which) => this.#storeSystem(which));
    on(Callout.loadSystem, (which, value) => this.#loadSystem(which, value));
    on(Callout.inspectSelector, (which, selector) => this.#inspect(which, selector));
    on(Callout.system, (which) => this.#system(which));
  }

  #readControl(register: number): number {
    const { control } = this.#context;
    if (!control.exists(register)) return this.#outcome.fault(invalidOpcode);
    if (this.#state[Word.cpl] !== 0) return this.#outcome.fault(generalProtection(0));
    this.#state[Word.transfer] = control.read(register);
    return CalloutResult.goOn;
  }

  #cpuid(): number {
    const state = this.#state;
    const { hypercalls } = this.#context.host;
    if (hypercalls.cpuidFaults?.(state[Word.cpl] ?? 0) === true) {
      return this.#outcome.fault(generalProtection(0));
    }
    const leaf = state[gprEax] ?? 0;
    const values = this.#cpuidValues(leaf, state[gprEcx] ?? 0);
    state[gprEax] = values.eax;
    state[gprEbx] = values.ebx;
    state[gprEcx] = values.ecx;
    state[gprEdx] = values.edx;
    return CalloutResult.goOn;
  }

  /** What CPUID returns. */
  #cpuidValues(leaf: number, subleaf: number): CpuidValues {
    const { host, model } = this.#context;
    const unsigned = leaf >>> 0;
    if (unsigned >= hypervisorLeaf && unsigned < hypervisorLeaf + 0x1_0000) {
      const values = host.hypercalls.cpuid(leaf, subleaf);
      if (values !== undefined) return values;
    }
    const values = cpuidLeaf(model, leaf, subleaf, {
      hypervisor: host.hypercalls.present,
      apic: host.apic,
      osXsave: ((this.#state[Word.cr4] ?? 0) & Cr4.osXsave) !== 0,
      components: this.#state[CpuState.xcr0 >> 2] ?? 0,
    });
    return host.hypercalls.shownCpuid?.(unsigned, subleaf, values) ?? values;
  }

  #readTsc(withAux: number): number {
    const state = this.#state;
    const disabled = ((state[Word.cr4] ?? 0) & 4) !== 0;
    if (disabled && state[Word.cpl] !== 0 && ((state[Word.cr0] ?? 0) & Cr0.pe) !== 0) {
      return this.#outcome.fault(generalProtection(0));
    }
    const { tsc } = this.#context;
    tsc.read();
    state[gprEax] = tsc.low;
    state[gprEdx] = tsc.high;
    if (withAux !== 0) state[gprEcx] = this.#context.registers.low(Msr.tscAux);
    return CalloutResult.goOn;
  }

  /** RDPMC: AMD's four counters, for user code with CR4.PCE (APM 3, RDPMC). */
  #readCounter(): number {
    const state = this.#state;
    const { model, registers } = this.#context;
    const allowed = state[Word.cpl] === 0 || ((state[Word.cr4] ?? 0) & Cr4.pce) !== 0;
    const number = (state[gprEcx] ?? 0) >>> 0;
    const value =
      allowed && model.vendor === 'AuthenticAMD' && number < performanceCounters
        ? registers.read(Msr.performanceCounter + number)
        : undefined;
    if (value === undefined) return this.#outcome.fault(generalProtection(0));
    state[gprEax] = value.low;
    state[gprEdx] = value.high;
    return CalloutResult.goOn;
  }

  #readMsr(): number {
    const state = this.#state;
    if (state[Word.cpl] !== 0) return this.#outcome.fault(generalProtection(0));
    const number = state[gprEcx] ?? 0;
    const { registers, host } = this.#context;
    if (number === Msr.tsc) return this.#readTsc(0);
    const { has } = this.#context.model;
    const value =
      number >>> 0 === Msr.efer && (has.has('NX') || has.has('SYSCALL'))
        ? { low: state[Word.efer] ?? 0, high: 0 }
        : number === Msr.mtrrCapabilities && has.has('MTRR')
          ? { low: 0x508, high: 0 }
          : (registers.read(number) ??
            host.apic?.readMsr(number >>> 0) ??
            host.hypercalls.readMsr(number));
    if (value === undefined) return this.#outcome.fault(generalProtection(0));
    state[gprEax] = value.low;
    state[gprEdx] = value.high;
    return CalloutResult.goOn;
  }

  #writeMsr(): number {
    const state = this.#state;
    if (state[Word.cpl] !== 0) return this.#outcome.fault(generalProtection(0));
    const number = state[gprEcx] ?? 0;
    const low = state[gprEax] ?? 0;
    const high = state[gprEdx] ?? 0;
    const { registers, control, host } = this.#context;
    const { has } = this.#context.model;
    const hasEfer = has.has('NX') || has.has('SYSCALL');
    if (number >>> 0 === Msr.efer && hasEfer)
      return this.#outcome.redo(control.writeEfer(low, high));
    if (number === Msr.tsc) {
      // Before anything else takes its time: programs take it for the time up to WRMSR.
      this.#context.tsc.read();
      this.#writeTsc(low, high);
      return CalloutResult.goOn;
    }
    const adjust = number === Msr.tscAdjust ? registers.read(number) : undefined;
    // The counter moves by as much as the register does.
    if (adjust !== undefined) this.#context.tsc.move(subtract({ low, high }, adjust));
    if (registers.write(number, low, high)) return CalloutResult.goOn;
    const atApic = host.apic?.writeMsr(number >>> 0, low, high) ?? 'absent';
    const result = atApic === 'absent' ? host.hypercalls.writeMsr(number, low, high) : atApic;
    return result === 'handled' ? CalloutResult.goOn : this.#outcome.fault(generalProtection(0));
  }

  /** A write of the counter shows in IA32_TSC_ADJUST too (SDM 3B 18.17.3). */
  #writeTsc(low: number, high: number): void {
    const { registers, tsc } = this.#context;
    const moved = tsc.write(low, high);
    const adjust = registers.read(Msr.tscAdjust);
    if (adjust === undefined) return;
    const sum = add(adjust, moved);
    registers.write(Msr.tscAdjust, sum.low, sum.high);
  }

  /** DR4 and DR5 are DR6 and DR7 unless CR4.DE is set (SDM 3B 17.2.2). */
  #debugRegister(register: number): number {
    if (register !== 4 && register !== 5) return register;
    return ((this.#state[Word.cr4] ?? 0) & 8) !== 0 ? -1 : register + 2;
  }

  /** What MOV from and to debug registers may fault with (SDM 2B MOV, 3B 17.2.4). */
  #debugFault(register: number): Fault {
    const state = this.#state;
    if (state[Word.cpl] !== 0) return generalProtection(0);
    if (register < 0) return invalidOpcode;
    if (((state[Word.dr + 14] ?? 0) & generalDetect) === 0) return noFault;
    this.#context.debug.pending |= DebugStatus.access;
    return fault(Vector.debug);
  }

  #readDebug(number: number): number {
    const register = this.#debugRegister(number);
    const refused = this.#debugFault(register);
    if (refused !== noFault) return this.#outcome.fault(refused);
    this.#state[Word.transfer] = this.#state[Word.dr + 2 * register] ?? 0;
    return CalloutResult.goOn;
  }

  #writeDebug(number: number, value: number): number {
    const register = this.#debugRegister(number);
    const refused = this.#debugFault(register);
    if (refused !== noFault) return this.#outcome.fault(refused);
    const fixed =
      register === 6
        ? (value & 0xe00f) | 0xffff_0ff0
        : register === 7
          ? (value & ~0xd800) | 0x400
          : value;
    this.#state[Word.dr + 2 * register] = fixed;
    if (register === 6) return CalloutResult.goOn;
    this.#context.debug.update();
    return this.#outcome.redo(noFault);
  }

  #storeDescriptorTable(which: number): number {
    const fault = this.#context.segmentation.checkUmip();
    if (fault !== noFault) return this.#outcome.fault(fault);
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
      return this.#outcome.result(fault);
    }
    const fault = which === 0 ? segmentation.sldt() : segmentation.str();
    this.#state[Word.transfer] = segmentation.result;
    return this.#outcome.result(fault);
  }

  #loadSystem(which: number, value: number): number {
    const { segmentation, control } = this.#context;
    if (which === 0) return this.#outcome.result(segmentation.lldt(value & 0xffff));
    if (which === 1) return this.#outcome.result(segmentation.ltr(value & 0xffff));
    if (this.#state[Word.cpl] !== 0) return this.#outcome.fault(generalProtection(0));
    // LMSW sets PE, MP, EM, TS and cannot clear PE (SDM 2A LMSW).
    const old = this.#state[Word.cr0] ?? 0;
    return this.#outcome.redo(control.writeCr0((old & ~0xe) | (value & 0xf)));
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
    return this.#outcome.result(fault);
  }

  #system(which: number): number {
    switch (which) {
      case 0:
      case 1:
        return this.#outcome.privileged();
      case 2: {
        const refused = this.#outcome.privileged();
        if (refused !== CalloutResult.goOn) return refused;
        return this.#outcome.result(
          this.#context.control.writeCr0((this.#state[Word.cr0] ?? 0) & ~Cr0.ts),
        );
      }
      case 4:
      case 5:
        return this.#hypercall();
      case 9:
      case 10:
        return this.#alignmentCheckFlag(which === 10);
      default:
        return this.#outcome.fault(invalidOpcode);
    }
  }

  /** CLAC and STAC (SDM 2A CLAC, 2B STAC). */
  #alignmentCheckFlag(set: boolean): number {
    const state = this.#state;
    if (state[Word.cpl] !== 0) return this.#outcome.fault(invalidOpcode);
    const flags = state[Word.eflags] ?? 0;
    state[Word.eflags] = set ? flags | Eflag.ac : flags & ~Eflag.ac;
    this.#context.alignmentCheckChanged();
    return CalloutResult.goOn;
  }

  #hypercall(): number {
    const state = this.#state;
    let isOver = true;
    const registers: HypercallRegisters = {
      cpl: state[Word.cpl] ?? 0,
      ...this.#virtualCaller(),
      long: false,
      low: (register) => state[Word.gpr + 2 * register] ?? 0,
      high: () => 0,
      set: (register, low) => {
        state[Word.gpr + 2 * register] = low;
      },
      again: () => {
        isOver = false;
      },
    };
    const served = this.#context.host.hypercalls.hypercall(registers);
    if (!served) return this.#outcome.fault(invalidOpcode);
    // A hypercall may have changed the address space.
    return isOver ? this.#outcome.redo(noFault) : this.#outcome.repeat();
  }

  #virtualCaller(): Pick<HypercallRegisters, 'virtual8086'> {
    if (((this.#state[Word.eflags] ?? 0) & Eflag.vm) === 0) return {};
    const { access } = this.#context;
    const at = access.physicalFor((access.codeBase + this.#outcome.eip) | 0, Access.execute);
    const physical = (linear: number, isWrite: boolean): number =>
      access.physicalFor(linear | 0, isWrite ? Access.write : Access.read);
    return { virtual8086: { at, physical } };
  }
}
