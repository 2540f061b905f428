/** A local APIC: its page of registers, its MSRs, its timer (SDM 3A, chapter 10). */
import type {
  AccessSize,
  DeviceState,
  IrqLine,
  MmioDevice,
  Resettable,
  Saveable,
} from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { ApicDelivery } from './delivery.ts';
import { deliveryMode, type ApicMessage } from './message.ts';
import type { LocalApicOptions } from './options.ts';
import * as reg from './registers.ts';
import { localApicShape, powerOnLocalApic, type LocalApicState } from './state.ts';
import { ApicTimer } from './timer.ts';

const stateVersion = 1;
const { apicRegister, apicMsr } = reg;

/** The frequency of the timer's clock where nothing else is asked for: one tick a nanosecond. */
export const apicTimerHertz = 1_000_000_000;

/** One local APIC, as an MMIO device of one page. */
export class LocalApic implements MmioDevice, Saveable, Resettable {
  readonly #options: LocalApicOptions;
  readonly #timer: ApicTimer;
  readonly #delivery: ApicDelivery;

  /** Connects an APIC, which is then as after reset. */
  constructor(options: LocalApicOptions) {
    this.#options = options;
    this.#timer = new ApicTimer({
      clock: options.clock,
      timers: options.timers,
      hertz: options.timerHertz ?? apicTimerHertz,
      ...(options.tsc === undefined ? {} : { tsc: options.tsc }),
      expire: () => {
        this.#delivery.deliverLocal(reg.lvt.timer);
      },
    });
    const state = { ...powerOnLocalApic(options.id), base: [0, 0], pins: [false, false] };
    this.#delivery = new ApicDelivery(options, state);
    this.reset();
  }

  /** Whether IA32_APIC_BASE has the APIC enabled: what the APIC bit of CPUID says. */
  get enabled(): boolean {
    return this.#delivery.enabled;
  }

  /** Its identifier, as CPUID tells it. */
  get id(): number {
    return this.#options.id;
  }

  /** The task priority's class: what CR8 reads and writes (10.8.6.1). */
  get taskPriorityClass(): number {
    return this.#state.taskPriority >> 4;
  }

  set taskPriorityClass(value: number) {
    this.#state.taskPriority = (value & 0x0f) << 4;
    this.#delivery.update();
  }

  /** Whether `acknowledge` has a vector for the processor. */
  get requested(): boolean {
    return this.#delivery.requested;
  }

  /** Takes the most important interrupt and returns its vector; without one, the spurious one. */
  acknowledge(): number {
    return this.#delivery.acknowledge();
  }

  /** Returns the wire of LINT0 (0), the 8259s' output, or LINT1 (1), the board's NMI. */
  pin(index: 0 | 1): IrqLine {
    return {
      set: (level) => {
        this.#delivery.setPin(index, level);
      },
    };
  }

  /** Takes a message from the bus; false when it is for others, or the APIC is off. */
  receive(message: ApicMessage): boolean {
    return this.#delivery.receive(message);
  }

  /** Tells that the guest has changed the time-stamp counter. */
  tscChanged(): void {
    this.#timer.arm();
  }

  /** Reads a register. */
  readMmio(address: number, size: AccessSize): number {
    const { enabled, x2Mode } = this.#delivery;
    if (!enabled || x2Mode) {
      return 2 ** (8 * size) - 1;
    }
    const value = (address & 0x0c) === 0 ? this.#read(address & 0xff0) : 0;
    return size === 4 ? value : (value >>> (8 * (address & 3))) & (2 ** (8 * size) - 1);
  }

  /**
   * Writes a register. Writes are to be of 32 bits, and what narrower ones do is not said (10.4.1):
   * they leave the other bytes as they read, as under Xen, since there are systems that make them.
   */
  writeMmio(address: number, size: AccessSize, value: number): void {
    const { enabled, x2Mode } = this.#delivery;
    const isWithin = (address & 0x0f) + size <= 4 && address % size === 0;
    if (!isWithin || !enabled || x2Mode) {
      return;
    }
    const offset = address & 0xff0;
    const shift = 8 * (address & 3);
    const mask = size === 4 ? -1 : (2 ** (8 * size) - 1) << shift;
    const kept = size === 4 ? 0 : this.#read(offset) & ~mask;
    this.#write(offset, (kept | ((value << shift) & mask)) >>> 0);
  }

  /** Reads one of the APIC's MSRs; nothing for any other, or for one that cannot be read now. */
  readMsr(index: number): { low: number; high: number } | undefined {
    const state = this.#state;
    if (index === apicMsr.base) {
      const [low = 0, high = 0] = state.base;
      return { low, high };
    }
    if (index === apicMsr.tscDeadline && this.#options.tsc !== undefined) {
      const [low = 0, high = 0] = this.#timer.deadline;
      return { low, high };
    }
    const offset = this.#x2Offset(index);
    if (offset < 0 || offset === apicRegister.endOfInterrupt || offset === apicRegister.selfIpi) {
      return undefined;
    }
    const high = offset === apicRegister.commandLow ? (state.command[1] ?? 0) : 0;
    return { low: this.#read(offset), high };
  }

  /** Writes one of the APIC's MSRs; `fault` is #GP, `absent` an MSR that is not the APIC's. */
  writeMsr(index: number, low: number, high: number): 'handled' | 'fault' | 'absent' {
    if (index === apicMsr.base) {
      return this.#writeBase(low >>> 0, high >>> 0) ? 'handled' : 'fault';
    }
    if (index === apicMsr.tscDeadline && this.#options.tsc !== undefined) {
      this.#timer.writeDeadline(low, high);
      return 'handled';
    }
    if (index < apicMsr.x2First || index > apicMsr.x2Last) {
      return 'absent';
    }
    const offset = this.#x2Offset(index);
    return offset >= 0 && this.#writeX2(offset, low >>> 0, high >>> 0) ? 'handled' : 'fault';
  }

  /**
   * Puts the APIC into the state after reset, with LINT0 as the 8259s' input and LINT1 as NMI: the
   * virtual wire mode that firmware sets up on the boot processor (MultiProcessor Specification
   * 1.4, 3.6.2.2), and which whatever boots without firmware expects.
   */
  reset(): void {
    const { bootProcessor = true, id } = this.#options;
    const base = reg.localApicAddress + reg.apicBase.enabled;
    const state = {
      ...powerOnLocalApic(id),
      base: [base + (bootProcessor ? reg.apicBase.bootProcessor : 0), 0],
      pins: this.#state.pins,
    };
    if (bootProcessor) {
      state.lvt[reg.lvt.lint0] = deliveryMode.external << 8;
      state.lvt[reg.lvt.lint1] = deliveryMode.nonMaskable << 8;
    }
    this.#replace(state);
  }

  /** INIT: as reset, but that the identifier and IA32_APIC_BASE stay (SDM 3A 10.4.7.3). */
  init(): void {
    const { base, id } = this.#state;
    this.reset();
    this.#replace({ ...this.#state, base, id });
  }

  /** Returns a copy of all registers. */
  save(): DeviceState {
    return saveState('local-apic', stateVersion, localApicShape, {
      ...this.#state,
      eoiOffered: this.#delivery.assistance.offered,
      timer: this.#timer.state,
    });
  }

  /** Takes over saved registers, drives the request and arms the timer. */
  restore(state: unknown): void {
    this.#replace(openState(state, 'local-apic', stateVersion, localApicShape));
  }

  get #state(): LocalApicState {
    return this.#delivery.state;
  }

  #replace(state: LocalApicState): void {
    this.#delivery.state = state;
    this.#delivery.assistance.offered = state.eoiOffered;
    this.#timer.state = state.timer;
    this.#connect();
  }

  #connect(): void {
    const [low = 0, high = 0] = this.#state.base;
    const { enabled, x2Mode } = this.#delivery;
    const isMapped = enabled && !x2Mode && high === 0;
    this.#options.moved?.(isMapped ? (low & 0xffff_f000) >>> 0 : undefined);
    this.#timer.arm();
    this.#delivery.update();
  }

  #writeBase(low: number, high: number): boolean {
    const { enabled, extended, bootProcessor } = reg.apicBase;
    const state = this.#state;
    const { enabled: wasOn, x2Mode: wasX2 } = this.#delivery;
    const reserved = this.#options.x2Apic === true ? 0x2ff : 0x6ff;
    const turnsOn = (low & enabled) !== 0;
    const x2 = (low & extended) !== 0;
    // Not from x2APIC mode back to xAPIC mode, nor into it from off (figure 10-27).
    const isChange = x2 ? turnsOn && wasOn : !(turnsOn && wasX2);
    if ((low & reserved) !== 0 || high >= 2 ** 8 || !isChange) {
      return false;
    }
    if (!turnsOn && wasOn) {
      this.#delivery.assistance.withdraw();
      Object.assign(state, powerOnLocalApic(this.#options.id));
      this.#timer.state = state.timer;
    }
    const isBoot = (state.base[0] ?? 0) & bootProcessor;
    state.base = [((low & ~bootProcessor) | isBoot) >>> 0, high];
    if (x2 && !wasX2) {
      state.id = this.#options.id;
      state.logicalDestination = ((state.id >>> 4) << 16) | (1 << (state.id & 15));
    }
    this.#connect();
    return true;
  }

  /** Returns the register that an x2APIC MSR names, or -1 where there is none (table 10-6). */
  #x2Offset(index: number): number {
    if (!this.#delivery.x2Mode || index < apicMsr.x2First || index > apicMsr.x2Last) {
      return -1;
    }
    const offset = (index - apicMsr.x2First) << 4;
    return reg.isRegister(offset, true) ? offset : -1;
  }

  #writeX2(offset: number, low: number, high: number): boolean {
    const writable = reg.x2Writable(offset);
    const isCommand = offset === apicRegister.commandLow;
    if (writable === undefined || (low & ~writable) !== 0 || (high !== 0 && !isCommand)) {
      return false;
    }
    if (isCommand) {
      this.#state.command = [low & reg.commandWritable, high];
      this.#delivery.sendCommand();
    } else if (offset === apicRegister.selfIpi) {
      this.#delivery.accept(deliveryMode.fixed, low & 0xff, false);
    } else {
      this.#write(offset, low);
    }
    return true;
  }

  #read(offset: number): number {
    const state = this.#state;
    if (offset >= apicRegister.inService && offset < apicRegister.errors) {
      this.#delivery.synchronize();
      const sets = [state.inService, state.triggerMode, state.requests];
      return sets[(offset - apicRegister.inService) >> 7]?.[(offset >> 4) & 7] ?? 0;
    }
    if (offset >= apicRegister.lvtFirst && offset <= apicRegister.lvtLast) {
      return state.lvt[(offset - apicRegister.lvtFirst) >> 4] ?? 0;
    }
    switch (offset) {
      case apicRegister.id:
        return this.#delivery.x2Mode ? state.id : ((state.id & 0xff) << 24) >>> 0;
      case apicRegister.version:
        return reg.apicVersion;
      case apicRegister.taskPriority:
        return state.taskPriority;
      case apicRegister.arbitrationPriority:
      case apicRegister.processorPriority:
        this.#delivery.synchronize();
        return this.#delivery.processorPriority();
      case apicRegister.logicalDestination:
        return state.logicalDestination;
      case apicRegister.destinationFormat:
        return state.destinationFormat;
      case apicRegister.spurious:
        return state.spurious;
      case apicRegister.errors:
        return state.errors;
      case apicRegister.commandLow:
        return state.command[0] ?? 0;
      case apicRegister.commandHigh:
        return state.command[1] ?? 0;
      case apicRegister.initialCount:
        return this.#timer.state.initialCount;
      case apicRegister.currentCount:
        return this.#timer.currentCount();
      case apicRegister.divide:
        return this.#timer.state.divide;
      default:
        this.#unknown(offset);
        return 0;
    }
  }

  #write(offset: number, value: number): void {
    const state = this.#state;
    if (offset >= apicRegister.lvtFirst && offset <= apicRegister.lvtLast) {
      this.#writeLvt((offset - apicRegister.lvtFirst) >> 4, value);
      return;
    }
    switch (offset) {
      case apicRegister.endOfInterrupt:
        this.#delivery.synchronize();
        this.#delivery.endOfInterrupt();
        break;
      case apicRegister.taskPriority:
        state.taskPriority = value & 0xff;
        this.#delivery.update();
        break;
      case apicRegister.id:
        state.id = value >>> 24;
        break;
      case apicRegister.logicalDestination:
        state.logicalDestination = (value & 0xff00_0000) >>> 0;
        break;
      case apicRegister.destinationFormat:
        state.destinationFormat = (value | 0x0fff_ffff) >>> 0;
        break;
      case apicRegister.spurious:
        this.#writeSpurious(value);
        break;
      case apicRegister.errors:
        state.errors = state.newErrors;
        state.newErrors = 0;
        break;
      case apicRegister.commandLow:
        state.command[0] = value & reg.commandWritable;
        this.#delivery.sendCommand();
        break;
      case apicRegister.commandHigh:
        state.command[1] = (value & 0xff00_0000) >>> 0;
        break;
      case apicRegister.initialCount:
        this.#timer.writeInitialCount(value);
        break;
      case apicRegister.divide:
        this.#timer.writeDivide(value);
        break;
      default:
        this.#unknown(offset);
        break;
    }
  }

  #unknown(offset: number): void {
    if (!reg.isRegister(offset, false)) {
      this.#delivery.raiseError(reg.apicError.register);
    }
  }

  #writeSpurious(value: number): void {
    const state = this.#state;
    state.spurious = value & reg.spuriousWritable;
    if ((state.spurious & reg.spuriousEnabled) === 0) {
      state.lvt = state.lvt.map((entry) => entry | reg.lvtMasked);
    }
    this.#delivery.update();
  }

  #writeLvt(index: number, value: number): void {
    const state = this.#state;
    const isOff = (state.spurious & reg.spuriousEnabled) === 0;
    const entry = (value & (reg.lvtWritable[index] ?? 0)) | (isOff ? reg.lvtMasked : 0);
    state.lvt[index] = entry;
    if (index === reg.lvt.timer) {
      const mode = (entry >> 17) & 3;
      const hasMode = mode !== reg.timerMode.tscDeadline || this.#options.tsc !== undefined;
      this.#timer.setMode(hasMode ? mode : reg.timerMode.none);
    }
    this.#delivery.update();
  }
}
