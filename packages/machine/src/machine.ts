/**
 * The machine behind the public API: a PC that boots something, runs in slices and comes to an end.
 */
import type { TranslationProfile } from '@ringfence/cpu';
import { XenPvAbi } from '@ringfence/hypercall';

import type {
  Keyboard,
  Machine,
  MachineEnd,
  MachineEvents,
  MachineState,
  MachineStats,
  Mouse,
  Screen,
  SerialPort,
} from './api.ts';
import { handOver } from './boot/handover.ts';
import { loadKernel, loadPvhKernel, prepareKernel } from './boot/kernel.ts';
import type { KernelOptions, PreparedKernel } from './boot/kernel.ts';
import { e820Map } from './boot/memory-map.ts';
import { startParavirtual } from './boot/xen-pv.ts';
import { builtInProgram } from './built-in-guest/programs.ts';
import { biosKeyRoom } from './bios-key-room.ts';
import type { DriveStorage } from './board-storage.ts';
import { virtioConsoleLine } from './board-virtio.ts';
import { composePc } from './compose.ts';
import type { Pc } from './compose.ts';
import { KeyboardHandle } from './keyboard-handle.ts';
import { MachineDebugger } from './debug/debugger.ts';
import type { DebugConnection } from './debug/debugger.ts';
import { describePlace } from './describe-place.ts';
import { Emitter } from './emitter.ts';
import { MachineError } from './error.ts';
import { facsAddress, facsTable, rootPointer, serialPorts } from './firmware.ts';
import { MouseHandle } from './mouse-handle.ts';
import { MachineInspector } from './inspector/inspector.ts';
import type { Inspector } from './inspector/inspector.ts';
import type { MachineOptions } from './options/machine-options.ts';
import { loaderMemory } from './pc-memory.ts';
import { pcConnections } from './pc-connections.ts';
import { goesOnInMemory, initialize, startFirmware } from './processor-reset.ts';
import type { MachineRequest } from './requests.ts';
import { RunLoop } from './run-loop.ts';
import { ScreenHandle } from './screen-handle.ts';
import { SerialHandle } from './serial-handle.ts';
import type { SerialReceiver } from './serial-handle.ts';
import { writeSections } from './snapshot/container.ts';
import { openSnapshot, saveSnapshot } from './snapshot/snapshot.ts';
import type { OpenedSnapshot, SnapshotParts } from './snapshot/snapshot.ts';
import { sleepingCpu, sleepOrWake } from './sleep.ts';
import { collectStats } from './stats.ts';
import { engine, profileOf } from './translation.ts';

/**
 * Makes a machine and puts what it boots into its memory; it does not run before `start` or
 * `runSlice`.
 *
 * @throws MachineError when the options, the images or the host do not allow the machine.
 */
export async function createMachine(options: MachineOptions): Promise<Machine> {
  const { snapshot: file, host } = options;
  const snapshot = file === undefined ? undefined : await openSnapshot(file, options);
  const kernel = kernelOf(snapshot?.options ?? options);
  // A restored machine wants it only if the guest resets it, and then the kernel may unpack itself.
  const prepared =
    kernel === undefined
      ? undefined
      : await prepareKernel(snapshot === undefined ? kernel : { ...kernel, unpack: false }, host);
  const chosen = snapshot?.options ?? options;
  const machine = chosen.machine ?? prepared?.needs ?? 'pc';
  const made = new PcMachine({ ...chosen, machine }, prepared);
  await (snapshot === undefined ? made.load() : made.restore(snapshot));
  return made;
}

class PcMachine implements Machine {
  readonly options: MachineOptions;
  readonly serial: readonly SerialPort[];
  readonly screen: Screen;
  readonly keyboard: Keyboard;
  readonly mouse: Mouse;
  readonly #serial: readonly SerialHandle[];
  readonly #keys: KeyboardHandle;
  readonly #emitter = new Emitter();
  readonly #loop: RunLoop;
  readonly #debugger: MachineDebugger;
  readonly #ended: Promise<MachineEnd>;
  #resolveEnded: (end: MachineEnd) => void = () => undefined;
  /** The machine's parts, which `dispose` lets go of. */
  #pc: Pc | undefined;
  #kernel: PreparedKernel | undefined;
  #lastStats: MachineStats | undefined;
  readonly #profile: TranslationProfile | undefined;

  constructor(options: MachineOptions, kernel: PreparedKernel | undefined) {
    this.options = options;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    const lines = serialPorts.map((_port, index) => `serial port ${String(index)}`);
    if (options.virtioConsole === true) {
      lines.push('virtio console');
    }
    this.#serial = lines.map((name) => {
      return new SerialHandle(name, options.host, () => {
        this.#loop.wake();
      });
    });
    this.serial = this.#serial;
    const pc = composePc(
      options,
      pcConnections(this.#emitter, this.#serial, () => this.#loop.stolenNs()),
    );
    this.#pc = pc;
    this.#tellTranslation(pc);
    this.#profile = profileOf(options);
    if (this.#profile !== undefined) pc.cpu.regions?.useProfile(this.#profile);
    this.#kernel = kernel;
    for (const [index, handle] of this.#serial.entries()) {
      const own = index === virtioConsoleLine ? pc.virtioConsole : pc.chipset.uarts[index];
      handle.connect({
        receive: (bytes) => (firstConsole(pc, index) ?? own)?.receive(bytes) ?? 0,
      });
    }
    this.screen = new ScreenHandle(() => this.#pc?.chipset.display);
    const wake = (): void => {
      this.#loop.wake();
    };
    this.#keys = new KeyboardHandle(pc.chipset.keyboard, wake, () => biosKeyRoom(pc.memory));
    this.keyboard = this.#keys;
    this.mouse = new MouseHandle(pc.chipset.keyboard, wake);
    this.#loop = this.#makeLoop(pc);
    this.#debugger = this.#makeDebugger(pc);
    for (const { storage } of options.drives ?? []) {
      storage?.onLate?.(() => {
        this.#loop.wake();
      });
    }
  }

  #makeDebugger(pc: Pc): MachineDebugger {
    return new MachineDebugger({
      cpu: pc.cpu,
      memory: pc.memory,
      start: () => {
        this.#loop.start();
      },
      pause: () => {
        this.#loop.pause();
      },
      kill: () => {
        this.dispose();
      },
    });
  }

  #tellTranslation({ cpu: { regions } }: Pc): void {
    if (regions === undefined) return;
    regions.onEvent = (event) => {
      this.#emitter.emit('translation', event);
    };
  }

  get state(): MachineState {
    return this.#loop.state;
  }

  start(): Promise<MachineEnd> {
    this.#compileBeside();
    this.#loop.start();
    return this.#ended;
  }

  /**
   * Has modules compiled while slices follow each other; who runs them by hand may leave no time
   * between. With the instruction clock all of a run can be repeated, so the guest waits.
   */
  #compileBeside(): void {
    const { host, clock } = this.options;
    const regions = this.#pc?.cpu.regions;
    const waits = host.compilesAtOnce === true || clock === 'instructions';
    if (host.optimizesLate === true) regions?.waitLonger();
    if (regions !== undefined && !waits) regions.compiler = host.compiler ?? engine;
  }

  translationProfile(): Uint8Array | undefined {
    return this.#profile?.toBytes();
  }

  pause(): void {
    this.#loop.pause();
  }

  runSlice(sliceMs: number): MachineState {
    return this.#loop.runSlice(sliceMs);
  }

  debug(send: (bytes: Uint8Array) => void): DebugConnection | undefined {
    return this.#debugger.connect(send);
  }

  insertFloppy(drive: number, storage: DriveStorage | undefined): boolean {
    storage?.onLate?.(() => {
      this.#loop.wake();
    });
    return this.#pc?.floppies.insert(drive, storage) ?? false;
  }

  nmi(): void {
    this.#pc?.chipset.time.reportChannelError();
    this.#loop.restarted();
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

  /** Puts what the options say into memory; once, before anything runs. */
  load(): void {
    if (this.#pc !== undefined) {
      this.#load(this.#pc);
    }
  }

  /** Takes over the state of a snapshot, in place of `load`. */
  async restore(snapshot: OpenedSnapshot): Promise<void> {
    if (this.#pc !== undefined) {
      await snapshot.restore(this.#parts(this.#pc));
    }
  }

  async snapshot(): Promise<Uint8Array> {
    const sections = await this.#loop.between(() => {
      if (this.#pc === undefined || this.state === 'ended') {
        throw new MachineError('bad-state', {
          where: 'snapshot',
          expected: 'a machine that can go on',
          found: `one that is ${this.state}`,
        });
      }
      return saveSnapshot(this.#parts(this.#pc));
    });
    return writeSections(sections, this.options.host);
  }

  get inspector(): Inspector | undefined {
    const pc = this.#pc;
    return pc && new MachineInspector(pc.cpu, pc.memory);
  }

  stats(): MachineStats {
    const { calls, cpu } = this.#pc ?? {};
    const hypercalls = calls?.counts ?? {};
    return this.#lastStats ?? { ...collectStats(this.options.host, this.#loop, cpu), hypercalls };
  }

  on<Name extends keyof MachineEvents>(
    name: Name,
    listener: (event: MachineEvents[Name]) => void,
  ): () => void {
    if (name === 'hypercall') {
      this.#pc?.calls.listen((record) => {
        this.#emitter.emit('hypercall', record);
      });
    }
    return this.#emitter.on(name, listener);
  }

  #parts(pc: Pc): SnapshotParts {
    return { options: this.options, pc, serial: this.#serial, keyboard: this.#keys };
  }

  #makeLoop(pc: Pc): RunLoop {
    const { clock, timers, requests, hypercalls } = pc;
    return new RunLoop({
      host: this.options.host,
      clock,
      timers,
      cpu: sleepingCpu(pc),
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
      onIdle: () => pc.idle.map((poll) => poll()).includes(true),
      onRest: () => pc.cpu.regions?.rest() ?? Infinity,
      inputWaits: () => [...this.#serial, this.#keys].some((handle) => handle.waits),
      afterSlice: () => {
        for (const handle of this.#serial) {
          handle.flush();
        }
      },
      onDebugStop: () => {
        this.#debugger.stopped();
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
    if (request.kind !== 'reset') return sleepOrWake(pc, request.kind);
    const { cause } = request;
    if (cause === 'init') {
      return initialize(pc);
    }
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
    if (this.#kernel === undefined || goesOnInMemory(pc)) {
      startFirmware(pc);
    } else if (pc.xen?.abi instanceof XenPvAbi) {
      pc.cpu.start(startParavirtual(pc.xen.abi, this.#kernel, loaderMemory(pc.memory)));
    } else if (this.options.machine === 'pvh') {
      const map = pc.xen?.map ?? e820Map(this.options.memoryBytes);
      const target = { map, rsdp: rootPointer };
      pc.memory.write(facsAddress, facsTable());
      pc.cpu.start(loadPvhKernel(this.#kernel, loaderMemory(pc.memory), target));
    } else {
      handOver(pc.chipset, pc.chipset.interrupts.localApic !== undefined);
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
      this.#debugger.ended(end.reason === 'debug-exit' ? end.status : 0);
      this.#emitter.emit('end', end);
      this.#resolveEnded(end);
    }
  }
}

/**
 * A paravirtual console takes the input of the first port, whose output goes there too: that of a
 * Xen guest always, Ringfence's own from when the guest takes it.
 */
function firstConsole({ xen, ringfence }: Pc, index: number): SerialReceiver | undefined {
  const own = ringfence.listens ? ringfence : undefined;
  return index === 0 ? (xen?.tools.console ?? own) : undefined;
}

/** Returns the kernel that is started without firmware; none where firmware starts. */
function kernelOf({ boot }: MachineOptions): KernelOptions | undefined {
  if (boot.kind === 'firmware') {
    return undefined;
  }
  return boot.kind === 'kernel' ? boot : { kind: 'kernel', kernel: builtInProgram(boot.program) };
}
