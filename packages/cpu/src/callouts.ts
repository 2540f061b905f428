/**
 * The host's half of instructions that generated code cannot do alone, by callout number.
 *
 * Hot: interrupts, IRET, SYSENTER, segment loads. The `bind` methods are the table of handlers by
 * the numbers that the semantics use; those of system registers are in callouts-system.ts.
 */
import { SegmentRegister } from '@ringfence/memory';
import type { OperandBytes } from '@ringfence/segmentation';
import {
  generalProtection,
  InterruptKind,
  invalidOpcode,
  noErrorCode,
  noFault,
} from '@ringfence/segmentation';
import { Callout, CalloutResult } from '@ringfence/translator';
import type { CalloutContext, Handler } from './callout-outcome.ts';
import { CalloutOutcome } from './callout-outcome.ts';
import { MonitorCallouts } from './callouts-monitor.ts';
import { SystemCallouts } from './callouts-system.ts';
import { StateCallouts } from './callouts-state.ts';
import { noteDebugFault } from './events.ts';
import { Msr } from './model-specific-registers.ts';
import { Eflag, Word } from './state-view.ts';

const exitHalt = 3;

/** Serves callouts; every method returns a CalloutResult. */
export class Callouts {
  readonly #context: CalloutContext;
  readonly #state: Int32Array;
  readonly #halves: Uint16Array;
  readonly #bytes: Uint8Array;
  readonly #handlers: Handler[];
  readonly #outcome: CalloutOutcome;
  /** How often each callout was made, by number. */
  readonly counts: Float64Array = new Float64Array(64);

  constructor(context: CalloutContext) {
    this.#context = context;
    this.#state = context.state;
    this.#halves = new Uint16Array(context.state.buffer);
    this.#bytes = new Uint8Array(context.state.buffer);
    this.#outcome = new CalloutOutcome(context);
    const undefinedOpcode: Handler = () => this.#outcome.fault(invalidOpcode);
    this.#handlers = new Array<Handler>(64).fill(undefinedOpcode);
    this.#bindTransfers();
    this.#bindFlagsAndPorts();
    new SystemCallouts(context, this.#outcome).bind(this.#handlers);
    new StateCallouts(context, this.#outcome).bind(this.#handlers);
    new MonitorCallouts(context, this.#outcome).bind(this.#handlers);
  }

  /** Serves one callout of the record in `CpuState.record`. */
  call(number: number, a: number, b: number, c: number): number {
    const state = this.#state;
    const record = state[Word.record] ?? 0;
    const eip = ((state[Word.eipBase] ?? 0) + (this.#halves[(record + 2) >> 1] ?? 0)) | 0;
    state[Word.rip] = eip;
    this.#outcome.eip = eip;
    state[Word.nextEip] = (eip + (this.#bytes[record + 4] ?? 0)) | 0;
    this.counts[number] = (this.counts[number] ?? 0) + 1;
    const handler = this.#handlers[number];
    return handler === undefined ? this.#outcome.fault(invalidOpcode) : handler(a, b, c);
  }

  #bindTransfers(): void {
    const { segmentation } = this.#context;
    const on = (number: number, handler: Handler): void => {
      this.#handlers[number] = handler;
    };
    on(Callout.interrupt, (vector, source) => this.#interrupt(vector, source));
    on(Callout.interruptReturn, (size) => {
      const result = this.#outcome.transfer(segmentation.iret(bytesOf(size)));
      this.#context.interruptReturned();
      return result;
    });
    on(Callout.farJump, (selector, offset, size) =>
      this.#outcome.transfer(segmentation.farJump(selector, offset, bytesOf(size))),
    );
    on(Callout.farCall, (selector, offset, size) =>
      this.#outcome.transfer(segmentation.farCall(selector, offset, bytesOf(size))),
    );
    on(Callout.farReturn, (released, _, size) =>
      this.#outcome.transfer(segmentation.farReturn(released, bytesOf(size))),
    );
    on(Callout.loadSegment, (register, selector, write) =>
      this.#loadSegment(register, selector, write),
    );
    on(Callout.sysenter, () => {
      const { registers } = this.#context;
      return this.#outcome.transfer(
        segmentation.sysenter(
          registers.low(Msr.sysenterCs),
          registers.low(Msr.sysenterEsp),
          registers.low(Msr.sysenterEip),
        ),
      );
    });
    on(Callout.sysexit, () =>
      this.#outcome.transfer(segmentation.sysexit(this.#context.registers.low(Msr.sysenterCs))),
    );
    on(Callout.syscall, () => {
      const star = this.#context.registers.read(Msr.star);
      return this.#outcome.transfer(segmentation.syscall(star?.low ?? 0, star?.high ?? 0));
    });
    on(Callout.sysret, () =>
      this.#outcome.transfer(
        segmentation.sysret(this.#context.registers.read(Msr.star)?.high ?? 0),
      ),
    );
    on(Callout.halt, () => this.#halt());
  }

  #bindFlagsAndPorts(): void {
    const { segmentation, host } = this.#context;
    const on = (number: number, handler: Handler): void => {
      this.#handlers[number] = handler;
    };
    on(Callout.portIn, (port, bytes) => this.#portIn(port, bytes));
    on(Callout.portOut, (port, bytes, value) => this.#portOut(port, bytes, value));
    on(Callout.portCheck, (port, bytes) => this.#outcome.result(segmentation.checkIo(port, bytes)));
    on(Callout.interruptFlag, (enable) => this.#interruptFlag(enable));
    on(Callout.pushFlags, (size) => {
      const fault = segmentation.pushf(bytesOf(size));
      this.#state[Word.transfer] = segmentation.result;
      return this.#outcome.result(fault);
    });
    on(Callout.popFlags, (size, image, write) => this.#popFlags(size, image, write));
    on(Callout.random, (_, bytes) => {
      this.#state[Word.transfer] = host.random() | 0;
      if (bytes === 8) this.#state[Word.transfer + 1] = host.random() | 0;
      return CalloutResult.goOn;
    });
  }

  #interrupt(vector: number, source: number): number {
    const kinds: readonly InterruptKind[] = [
      InterruptKind.software,
      InterruptKind.softwareTrap,
      InterruptKind.privilegedTrap,
    ];
    const kind = kinds[source] ?? InterruptKind.software;
    const { debug } = this.#context;
    if (kind === InterruptKind.privilegedTrap && debug.pending !== 0) {
      // A trap that a load of SS held off up to INT1 is one with that of INT1.
      noteDebugFault(this.#state, debug.pending);
      debug.pending = 0;
    }
    this.#context.softwareInterrupt();
    // Traps save RF clear (SDM 3B 17.3.1.1).
    this.#state[Word.eflags] = (this.#state[Word.eflags] ?? 0) & ~Eflag.rf;
    return this.#outcome.transfer(this.#context.segmentation.interrupt(vector, kind, noErrorCode));
  }

  #loadSegment(target: number, selector: number, write: number): number {
    const register = target & 7;
    const state = this.#state;
    const mode = state[Word.codeMode];
    const fault = this.#context.segmentation.loadSegment(register, selector & 0xffff);
    if (fault !== noFault) return this.#outcome.fault(fault);
    this.#deferredWrite(write);
    // LSS, with 8 more, holds nothing off (SDM 3A 6.8.3).
    if (target === SegmentRegister.ss) this.#context.shadowInterrupts('stack');
    // A new code mode needs other records, which a lookup finds.
    return state[Word.codeMode] === mode ? CalloutResult.goOn : this.#outcome.redo(noFault);
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
    if (fault !== noFault) return this.#outcome.fault(fault);
    this.#deferredWrite(write);
    this.#context.alignmentCheckChanged();
    this.#context.attention();
    return CalloutResult.goOn;
  }

  #halt(): number {
    if (this.#state[Word.cpl] !== 0) return this.#outcome.fault(generalProtection(0));
    this.#state[Word.rip] = this.#state[Word.nextEip] ?? 0;
    this.#state[Word.exitReason] = exitHalt;
    return CalloutResult.leave;
  }

  #portIn(port: number, bytes: number): number {
    const fault = this.#context.segmentation.checkIo(port & 0xffff, bytes);
    if (fault !== noFault) return this.#outcome.fault(fault);
    const size = bytes as 1 | 2 | 4;
    this.#state[Word.transfer] = this.#context.host.ports.read(port & 0xffff, size);
    if (this.#context.debug.portsActive) this.#context.debug.portAccessed(port & 0xffff, bytes);
    return CalloutResult.goOn;
  }

  #portOut(port: number, bytes: number, value: number): number {
    const fault = this.#context.segmentation.checkIo(port & 0xffff, bytes);
    if (fault !== noFault) return this.#outcome.fault(fault);
    this.#context.host.ports.write(port & 0xffff, bytes as 1 | 2 | 4, value);
    if (this.#context.debug.portsActive) this.#context.debug.portAccessed(port & 0xffff, bytes);
    return CalloutResult.goOn;
  }

  #interruptFlag(enable: number): number {
    const { segmentation } = this.#context;
    const before = this.#state[Word.eflags] ?? 0;
    const fault = enable === 0 ? segmentation.cli() : segmentation.sti();
    if (fault !== noFault) return this.#outcome.fault(fault);
    if (enable !== 0 && ((this.#state[Word.eflags] ?? 0) & ~before & 0x200) !== 0) {
      this.#context.shadowInterrupts('sti');
      this.#outcome.lookAtInterrupts();
    }
    return CalloutResult.goOn;
  }
}

/** Operand size in bytes from bits; segmentation knows 16 and 32. */
function bytesOf(size: number): OperandBytes {
  return size === 16 ? 2 : 4;
}
