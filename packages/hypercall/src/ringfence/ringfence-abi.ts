/**
 * Ringfence's own interface: small, for kernels that are ported to it, in the manner of Denali and
 * L4.
 *
 * A guest names mappings instead of writing page tables, sends lists of calls in one, waits with a
 * time-out, and is told of events by upcalls: an interrupt of a vector of its choice, which a byte
 * in memory masks. Console, disks, clock and timer take one call each and no chips.
 *
 * All arguments are those of a stranger. A call that is refused returns an error and changes
 * nothing; what a guest can have is bounded (`RingfenceLimit`).
 */
import { HypercallError } from '../error.ts';
import type {
  AbiState,
  CpuidValues,
  HypercallAbi,
  HypercallRegisters,
  MsrValue,
  MsrWriteResult,
} from '../interfaces.ts';
import { BlockRequests } from './block.ts';
import { describeRingfenceCall, ringfenceCalls } from './calls.ts';
import {
  batchElementBytes,
  RingfenceCall,
  RingfenceError as Failure,
  RingfenceEvent,
  RingfenceLimit,
  ringfenceMagic,
  ringfenceVersion,
} from './constants.ts';
import { InfoPage } from './info-page.ts';
import type { RingfenceOptions } from './interfaces.ts';
import { Spaces } from './spaces.ts';

const magicMask = 0xffff_0000;
/** EBX, ECX, EDX, ESI, EDI, EBP by the manual's numbers. */
const argumentRegisters: readonly number[] = [3, 1, 2, 6, 7, 5];

/** Ringfence's own interface of one virtual CPU. */
export class RingfenceAbi implements HypercallAbi {
  /** Name of the interface. */
  readonly name: string = 'ringfence';
  readonly options: RingfenceOptions;
  readonly info: InfoPage;
  readonly spaces: Spaces;
  readonly block: BlockRequests;
  /** Input that the guest has not read. */
  readonly input: number[] = [];
  readonly #timer: ReturnType<RingfenceOptions['timers']['create']>;
  readonly #wake: ReturnType<RingfenceOptions['timers']['create']>;
  #deadlineNs = 0;
  #periodNs = 0;
  #wakeNs = 0;

  /** Makes the interface with nothing set up. */
  constructor(options: RingfenceOptions) {
    const { memory, timers, disks } = options;
    this.options = options;
    this.info = new InfoPage(memory);
    this.spaces = new Spaces(memory);
    this.block = new BlockRequests({
      memory,
      disks,
      isOpen: (physical, bytes) => this.spaces.isOpen(physical, bytes),
      done: () => {
        this.#raise(RingfenceEvent.block);
      },
    });
    this.#timer = timers.create(() => {
      this.#tick();
    });
    this.#wake = timers.create(() => {
      this.#wakeNs = 0;
      this.#raise(RingfenceEvent.wake);
    });
  }

  /** The signature "RingfenceABI"; version and limits; number of disks. */
  cpuid(base: number, offset: number): CpuidValues | undefined {
    switch (offset) {
      case 0:
        return { eax: base + 2, ebx: 0x676e_6952, ecx: 0x636e_6566, edx: 0x4942_4165 };
      case 1:
        return { eax: ringfenceVersion, ebx: ringfenceMagic, ecx: RingfenceLimit.batch, edx: 0 };
      case 2:
        return { eax: this.options.disks.length, ebx: 0, ecx: 0, edx: 0 };
      default:
        return undefined;
    }
  }

  readMsr(_index: number): MsrValue | undefined {
    return undefined;
  }

  writeMsr(_index: number, _low: number, _high: number): MsrWriteResult {
    return 'absent';
  }

  /** Serves a call with the interface's number in the upper half of EAX. */
  hypercall(registers: HypercallRegisters): boolean {
    const eax = registers.low(0);
    if ((eax & magicMask) !== ringfenceMagic) {
      return false;
    }
    const args = argumentRegisters.map((register) => registers.low(register) >>> 0);
    const result = registers.cpl === 0 ? this.call(eax & 0xffff, args) : -Failure.notPermitted;
    registers.set(0, result, registers.long ? result >> 31 : 0);
    return true;
  }

  /** Makes one call, by number, with up to six arguments of 32 bits. */
  call(number: number, args: readonly number[]): number {
    const found = ringfenceCalls[number];
    const serve = (): number =>
      number === RingfenceCall.batch
        ? this.#batch(args[0] ?? 0, args[1] ?? 0)
        : (found?.serve(this, args) ?? -Failure.noSuchCall);
    const { log } = this.options;
    return (
      log?.run(
        this.name,
        found?.name ?? 'unknown',
        () => (found === undefined ? '' : describeRingfenceCall(found, args)),
        serve,
      ) ?? serve()
    );
  }

  /** Whether an upcall is due. */
  get upcallDue(): boolean {
    return this.info.upcallDue;
  }

  /** Takes console input; returns how many bytes there was room for. */
  receive(bytes: Uint8Array): number {
    const room = this.info.at < 0 ? 0 : RingfenceLimit.consoleBytes - this.input.length;
    const taken = bytes.subarray(0, Math.max(0, room));
    this.input.push(...taken);
    if (taken.length > 0) {
      this.#raise(RingfenceEvent.console);
    }
    return taken.length;
  }

  /** Whether the guest takes its console input here. */
  get listens(): boolean {
    return this.info.at >= 0;
  }

  /** Arms the timer; a deadline of 0 is one period from now, and neither stops it. */
  setTimer(deadlineNs: number, periodNs: number): void {
    this.#periodNs = periodNs;
    const first = periodNs === 0 ? 0 : this.options.clock.now() + periodNs;
    this.#deadlineNs = deadlineNs === 0 ? first : deadlineNs;
    if (this.#deadlineNs === 0) {
      this.#timer.cancel();
    } else {
      this.#timer.arm(this.#deadlineNs);
    }
  }

  /** Waits for an event, or `timeoutNs` if that is not 0; upcalls are unmasked. */
  idle(timeoutNs: number): number {
    if (!this.listens) {
      return -Failure.badArgument;
    }
    this.info.unmask();
    if (this.info.pending) {
      this.options.cpu.attention();
      return 0;
    }
    if (!this.options.cpu.halt()) {
      return -Failure.badArgument;
    }
    this.#wakeNs = timeoutNs === 0 ? 0 : this.options.clock.now() + timeoutNs;
    if (this.#wakeNs > 0) {
      this.#wake.arm(this.#wakeNs);
    } else {
      this.#wake.cancel();
    }
    return 0;
  }

  beforeRun(): void {
    // Nothing here depends on what the host did.
  }

  clockChanged(): void {
    this.info.writeTime(this.options.clock, this.options.wallClock);
  }

  reset(): void {
    this.#timer.cancel();
    this.#wake.cancel();
    this.#deadlineNs = 0;
    this.#periodNs = 0;
    this.#wakeNs = 0;
    this.info.at = -1;
    this.info.vector = 0;
    this.spaces.reset();
    this.block.reset();
    this.input.length = 0;
  }

  save(): AbiState {
    const fields = {
      ...this.spaces.save(),
      info: [this.info.at, this.info.vector],
      timers: [this.#deadlineNs, this.#periodNs, this.#wakeNs],
      input: [...this.input],
      requests: this.block.waiting,
    };
    return { abi: this.name, version: 1, fields };
  }

  restore(state: unknown): void {
    const list = savedLists(state, this.name);
    const lists = { donated: list('donated'), free: list('free'), spaces: list('spaces') };
    const [current = -1] = list('current');
    const [at = -1, vector = 0] = list('info');
    const [deadlineNs = 0, periodNs = 0, wakeNs = 0] = list('timers');
    const [input, requests] = [list('input'), list('requests')];
    this.reset();
    this.spaces.restore({ ...lists, current });
    this.info.at = at;
    this.info.vector = vector;
    this.input.push(...input);
    this.#periodNs = periodNs;
    this.#deadlineNs = deadlineNs;
    if (deadlineNs > 0) {
      this.#timer.arm(deadlineNs);
    }
    this.#wakeNs = wakeNs;
    if (wakeNs > 0) {
      this.#wake.arm(wakeNs);
    }
    for (const request of requests) {
      this.block.begin(request);
    }
  }

  /** A list of calls: returns how many were done; the first that is refused ends it. */
  #batch(list: number, count: number): number {
    const { memory } = this.options;
    if (count > RingfenceLimit.batch) {
      return -Failure.tooMany;
    }
    if (list % 4 !== 0) {
      return -Failure.badArgument;
    }
    if (!this.spaces.isOpen(list, count * batchElementBytes)) {
      return -Failure.badAddress;
    }
    for (let done = 0; done < count; done += 1) {
      const at = list + done * batchElementBytes;
      const number = memory.read32(at) & 0xffff;
      const args = argumentRegisters.map((_register, index) => {
        return memory.read32(at + 8 + index * 4) >>> 0;
      });
      const isPlain = number !== RingfenceCall.batch;
      const result = isPlain ? this.call(number, args) : -Failure.noSuchCall;
      // The call may have donated the page that the list is in.
      if (this.spaces.isOpen(at, batchElementBytes)) {
        memory.write32(at + 4, result);
      }
      if (result < 0) {
        return done;
      }
    }
    return count;
  }

  #raise(event: number): void {
    if (this.info.raise(event)) {
      this.options.cpu.attention();
    }
  }

  #tick(): void {
    this.#raise(RingfenceEvent.timer);
    // Ticks that were missed are not made up for.
    const now = this.options.clock.now();
    this.#deadlineNs =
      this.#periodNs === 0 ? 0 : Math.max(this.#deadlineNs + this.#periodNs, now + 1);
    if (this.#deadlineNs > 0) {
      this.#timer.arm(this.#deadlineNs);
    }
  }
}

/** Returns a reader of the lists of a saved state; throws HypercallError for anything else. */
function savedLists(state: unknown, name: string): (field: string) => readonly number[] {
  const isState = typeof state === 'object' && state !== null && 'fields' in state;
  const saved = isState ? (state as AbiState) : undefined;
  if (saved?.abi !== name || saved.version !== 1) {
    throw new HypercallError('bad-state', `state: expected one of "${name}", found another`);
  }
  return (field) => {
    const value = saved.fields[field];
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (!values.every((one) => typeof one === 'number' && Number.isFinite(one))) {
      throw new HypercallError('bad-state', `ringfence state: ${field}: expected numbers`);
    }
    return values as readonly number[];
  };
}
