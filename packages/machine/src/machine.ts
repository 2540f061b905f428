/**
 * The machine behind the public API: a PC that boots something, runs in slices and comes to an end.
 */
import type {
  Keyboard,
  Machine,
  MachineEnd,
  MachineEvents,
  MachineState,
  MachineStats,
  Screen,
  SerialPort,
} from './api.ts';
import { loadKernel, prepareKernel } from './boot/kernel.ts';
import type { KernelOptions, PreparedKernel } from './boot/kernel.ts';
import { builtInGuest } from './built-in-guest/program.ts';
import { composePc } from './compose.ts';
import type { Pc } from './compose.ts';
import { KeyboardHandle } from './keyboard-handle.ts';
import { describePlace } from './describe-place.ts';
import { Emitter } from './emitter.ts';
import { MachineError } from './error.ts';
import { serialPorts } from './firmware.ts';
import type { MachineOptions } from './options/machine-options.ts';
import { loaderMemory } from './pc-memory.ts';
import type { MachineRequest } from './requests.ts';
import { RunLoop } from './run-loop.ts';
import { ScreenHandle } from './screen-handle.ts';
import { SerialHandle } from './serial-handle.ts';
import { openSnapshot, saveSnapshot } from './snapshot/snapshot.ts';
import type { OpenedSnapshot, SnapshotParts } from './snapshot/snapshot.ts';
import { collectStats } from './stats.ts';

/**
 * Makes a machine and puts what it boots into its memory; it does not run before `start` or
 * `runSlice`.
 *
 * @throws MachineError when the options, the images or the host do not allow the machine.
 */
export async function createMachine(options: MachineOptions): Promise<Machine> {
  const { snapshot: file, host } = options;
  const snapshot = file === undefined ? undefined : openSnapshot(file, options);
  const kernel = kernelOf(snapshot?.options ?? options);
  // A restored machine wants it only if the guest resets it, and then the kernel may unpack itself.
  const prepared =
    kernel === undefined
      ? undefined
      : await prepareKernel(snapshot === undefined ? kernel : { ...kernel, unpack: false }, host);
  return new PcMachine(snapshot?.options ?? options, prepared, snapshot);
}

class PcMachine implements Machine {
  readonly options: MachineOptions;
  readonly serial: readonly SerialPort[];
  readonly screen: Screen;
  readonly keyboard: Keyboard;
  readonly #serial: readonly SerialHandle[];
  readonly #keys: KeyboardHandle;
  readonly #emitter = new Emitter();
  readonly #loop: RunLoop;
  readonly #ended: Promise<MachineEnd>;
  #resolveEnded: (end: MachineEnd) => void = () => undefined;
  /** The machine's parts, which `dispose` lets go of. */
  #pc: Pc | undefined;
  #kernel: PreparedKernel | undefined;
  #lastStats: MachineStats | undefined;

  constructor(
    options: MachineOptions,
    kernel: PreparedKernel | undefined,
    snapshot: OpenedSnapshot | undefined,
  ) {
    this.options = options;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#serial = serialPorts.map((_port, index) => {
      return new SerialHandle(`serial port ${String(index)}`, options.host, () => {
        this.#loop.wake();
      });
    });
    this.serial = this.#serial;
    const pc = composePc(options, {
      serialOutputs: this.#serial.map((handle) => ({
        write: (byte: number): void => {
          handle.outputByte(byte);
        },
      })),
      debugOutput: {
        write: (byte) => {
          this.#emitter.emit('debugByte', byte);
        },
      },
      stolenNs: () => this.#loop.stolenNs(),
    });
    this.#pc = pc;
    this.#kernel = kernel;
    for (const [index, handle] of this.#serial.entries()) {
      handle.connect({ receive: (bytes) => pc.chipset.uarts[index]?.receive(bytes) ?? 0 });
    }
    this.screen = new ScreenHandle(() => this.#pc?.chipset.display);
    this.#keys = new KeyboardHandle(pc.chipset.keyboard, () => {
      this.#loop.wake();
    });
    this.keyboard = this.#keys;
    this.#loop = this.#makeLoop(pc);
    for (const { storage } of options.drives ?? []) {
      storage?.onLate?.(() => {
        this.#loop.wake();
      });
    }
    if (snapshot === undefined) {
      this.#load(pc);
    } else {
      snapshot.restore(this.#parts(pc));
    }
  }

  get state(): MachineState {
    return this.#loop.state;
  }

  start(): Promise<MachineEnd> {
    this.#loop.start();
    return this.#ended;
  }

  pause(): void {
    this.#loop.pause();
  }

  runSlice(sliceMs: number): MachineState {
    return this.#loop.runSlice(sliceMs);
  }

  reset(): void {
    this.#pc?.requests.ask({ kind: 'reset', cause: 'host' });
    this.#loop.restarted();
  }

  dispose(): void {
    if (this.#pc !== undefined) {
      this.#lastStats = this.stats();
      this.#finish({ reason: 'disposed' }, 'disposed');
      this.#pc = undefined;
      this.#kernel = undefined;
    }
  }

  snapshot(): Promise<Uint8Array> {
    return this.#loop.between(() => {
      if (this.#pc === undefined || this.state === 'ended') {
        throw new MachineError('bad-state', {
          where: 'snapshot',
          expected: 'a machine that can go on',
          found: `one that is ${this.state}`,
        });
      }
      return saveSnapshot(this.#parts(this.#pc));
    });
  }

  stats(): MachineStats {
    return this.#lastStats ?? collectStats(this.options.host, this.#loop, this.#pc?.cpu);
  }

  on<Name extends keyof MachineEvents>(
    name: Name,
    listener: (event: MachineEvents[Name]) => void,
  ): () => void {
    return this.#emitter.on(name, listener);
  }

  #parts(pc: Pc): SnapshotParts {
    return { options: this.options, pc, serial: this.#serial, keyboard: this.#keys };
  }

  #makeLoop(pc: Pc): RunLoop {
    const { clock, timers, cpu, requests, hypercalls } = pc;
    return new RunLoop({
      host: this.options.host,
      clock,
      timers,
      cpu,
      requests,
      beforeSlice: () => {
        // With the instruction clock nothing may depend on where slices begin.
        if (this.options.clock !== 'instructions') {
          hypercalls.beforeRun();
        }
        for (const handle of [...this.#serial, this.#keys]) {
          handle.pump();
        }
      },
      inputWaits: () => [...this.#serial, this.#keys].some((handle) => handle.waits),
      afterSlice: () => {
        for (const handle of this.#serial) {
          handle.flush();
        }
      },
      serve: (request) => this.#serve(request),
      onState: (state) => {
        this.#emitter.emit('state', state);
      },
    });
  }

  /** Serves a request between two instructions; returns whether the machine goes on. */
  #serve(request: MachineRequest): boolean {
    const pc = this.#pc;
    if (pc === undefined) {
      return false;
    }
    if (request.kind === 'end') {
      this.#finish(request.end, 'ended');
      return false;
    }
    const { cause } = request;
    if (this.options.noReboot === true && cause !== 'host') {
      const where = describePlace(pc.cpu, pc.memory.machine.i32);
      this.#finish(
        cause === 'guest' ? { reason: 'reset' } : { reason: 'triple-fault', where },
        'ended',
      );
      return false;
    }
    pc.chipset.reset();
    pc.hypercalls.reset();
    this.#load(pc);
    this.#loop.restarted();
    this.#emitter.emit('reset', { cause });
    return true;
  }

  /** Puts what is booted into memory, and the CPU at its first instruction. */
  #load(pc: Pc): void {
    if (this.#kernel === undefined) {
      pc.cpu.reset();
    } else {
      pc.cpu.start(loadKernel(this.#kernel, loaderMemory(pc.memory)));
    }
  }

  #finish(end: MachineEnd, state: 'ended' | 'disposed'): void {
    const isFirst = this.state !== 'ended';
    if (isFirst) {
      for (const handle of this.#serial) {
        handle.end(end);
      }
    }
    this.#loop.end(state);
    if (isFirst) {
      this.#emitter.emit('end', end);
      this.#resolveEnded(end);
    }
  }
}

/** Returns the kernel that is started without firmware; none where firmware starts. */
function kernelOf({ boot }: MachineOptions): KernelOptions | undefined {
  if (boot.kind === 'firmware') {
    return undefined;
  }
  return boot.kind === 'kernel' ? boot : { kind: 'kernel', kernel: builtInGuest() };
}
