/**
 * A PC put together from its parts: memory, chips, paravirtual interfaces, clock, CPU.
 */
import { apicPresent, Cpu, findCpuModel } from '@ringfence/cpu';
import type { CpuHost, CpuModel, InterruptController } from '@ringfence/cpu';
import type { ByteSink, FloppyController, SpeakerSound, VirtioConsole } from '@ringfence/devices';
import { CallLog, HypercallDispatch, KvmAbi } from '@ringfence/hypercall';
import type { RingfenceAbi } from '@ringfence/hypercall';
import type { PhysicalMemory } from '@ringfence/memory';

import { addBuiltInBios } from './board-bios.ts';
import { displayBytes } from './board-display.ts';
import { chooseFirmware } from './board-firmware.ts';
import { addFloppies } from './board-floppy.ts';
import { addStorage, diskCmosBytes } from './board-storage.ts';
import { addVirtio, messageTarget, virtioConsoleLine } from './board-virtio.ts';
import { chooseXen, isXenOnPc, xenReservedBytes } from './board-xen.ts';
import { upcallWires } from './board-xen-upcalls.ts';
import { addXenPlatform } from './board-xen-platform.ts';
import type { XenGuest } from './board-xen.ts';
import { makeRingfence, withUpcalls } from './board-ringfence.ts';
import type { ReportOutputs } from './board-reports.ts';
import { Chipset } from './chipset.ts';
import { MachineError } from './error.ts';
import { romBytes } from './firmware-memory.ts';
import type { MachineOptions } from './options/machine-options.ts';
import { hypercallMemory, makePcMemory } from './pc-memory.ts';
import { randomSource } from './random-source.ts';
import type { RandomSource } from './random-source.ts';
import { RequestBox } from './requests.ts';
import { GuestTime, instructionPeriodNs, tscHertz, wallClockOf } from './time/guest-time.ts';
import { HostClock, InstructionClock } from './time/machine-clock.ts';
import type { MachineClock } from './time/machine-clock.ts';
import { punctualClock } from './time/punctual-clock.ts';
import { TimerQueue } from './time/timer-queue.ts';

/** What the parts tell the machine that they make up. */
export interface PcConnections {
  /** Where the serial ports send. */
  readonly serialOutputs: readonly ByteSink[];
  /** Where port 0xe9 sends. */
  readonly debugOutput: ByteSink;
  /** Where the parallel port and checkpoint codes go; nowhere by default. */
  readonly reports?: ReportOutputs;
  /** Who makes the speaker's sound; nobody by default. */
  readonly sound?: SpeakerSound;
  /** Where the console of a paravirtual interface sends. */
  readonly paravirtualConsole?: ByteSink;
  /** Nanoseconds for which the CPU was kept from running. */
  stolenNs(): number;
}

/** The parts of a PC. */
export interface Pc {
  readonly memory: PhysicalMemory;
  readonly chipset: Chipset;
  readonly hypercalls: HypercallDispatch;
  /** Counts of hypercalls. */
  readonly calls: CallLog;
  /** The Xen interface, where the machine has it. */
  readonly xen?: XenGuest;
  /** Ringfence's own interface; a Xen guest does not see it. */
  readonly ringfence: RingfenceAbi;
  readonly clock: MachineClock;
  readonly timers: TimerQueue;
  readonly requests: RequestBox;
  readonly random: RandomSource;
  readonly virtioConsole: VirtioConsole | undefined;
  readonly floppies: FloppyController;
  /** What is to be looked at when the CPU is idle; each returns whether it has something to do. */
  readonly idle: readonly (() => boolean)[];
  readonly cpu: Cpu;
}

/**
 * Makes the parts and connects them; nothing is loaded and nothing runs.
 *
 * @throws MachineError for options that no PC can have.
 */
export function composePc(options: MachineOptions, connections: PcConnections): Pc {
  const frame = makeFrame(options, connections);
  const { memory, clock, timers, requests, later, calls, hypercalls, xen, ringfence } = frame;
  const chipset = makeChipset(options, connections, frame);
  later.chipset = chipset;
  const drives = options.drives ?? [];
  const messages = messageTarget(chipset.interrupts.localApic);
  const ide = addStorage(chipset, drives, messages);
  if (isXenOnPc(options)) addXenPlatform(chipset, ide);
  const { cmos } = chipset.time;
  diskCmosBytes(drives).forEach((value, index) => cmos.setByte(index, value));
  const floppies = addFloppies(chipset, drives, cmos);
  const random = randomSource(options.clock ?? 'host', options.host);
  const consoleOutput = connections.serialOutputs[virtioConsoleLine];
  const virtioConsole = addVirtio(chipset, {
    messages,
    ...(options.virtioConsole === true && consoleOutput ? { console: consoleOutput } : {}),
    ...(options.virtioEntropy === true ? { random32: () => random.next() } : {}),
  });
  const cpu = new Cpu({
    machine: memory.machine,
    physical: memory,
    host: processorHost(options, frame, chipset, random),
    model: frame.model,
    accel: options.accel ?? 'translator',
    softwareBits: options.machine === 'xenpv',
  });
  later.cpu = cpu;
  frame.time.connect(cpu);
  const guest = xen === undefined ? {} : { xen };
  const chips = { memory, chipset, clock, timers, requests };
  const parts = { ...guest, ...chips, ringfence, hypercalls, calls };
  return { ...parts, random, virtioConsole, floppies, idle: frame.idle, cpu };
}

/** What the chips and the CPU are connected by. */
type Frame = ReturnType<typeof makeFrame>;

/** Memory, times, requests and the paravirtual interfaces. */
function makeFrame(options: MachineOptions, connections: PcConnections) {
  const { host, clock: kind = 'host' } = options;
  const model = findModel(options.cpu);
  const hasApic = (model.features.edx & apicPresent) !== 0;
  const hidden = isXenOnPc(options) ? xenReservedBytes : 0;
  const firmware = chooseFirmware(options.boot, options.memoryBytes - hidden);
  const extraBytes = displayBytes(firmware.display.rom) + romBytes(firmware.rom);
  const memory = makePcMemory(options.memoryBytes, extraBytes, hidden);
  // The CPU comes last, and what comes before it can reach it only once it is there.
  const later: { cpu?: Cpu; chipset?: Chipset } = {};
  const comeBack = (): void => later.cpu?.yield();
  const lookAtInterrupts = (): void => later.cpu?.attention();
  const requests = new RequestBox(comeBack);
  const timers = new TimerQueue(comeBack);
  const clock: MachineClock =
    kind === 'host'
      ? new HostClock(() => host.monotonicMs())
      : new InstructionClock(() => later.cpu?.instructions ?? 0, instructionPeriodNs);
  const guestClock = kind === 'host' ? punctualClock(clock, timers, comeBack) : clock;
  const time = new GuestTime(guestClock);
  const wallClock = wallClockOf(kind, host, clock);
  const calls = new CallLog(() => host.monotonicMs());
  const kvm = new KvmAbi({
    log: calls,
    memory: hypercallMemory(memory),
    clock: time,
    wallClock,
    steal: { stolenNs: () => (kind === 'host' ? connections.stolenNs() : 0) },
    events: { pollInterrupts: lookAtInterrupts },
    localApic: hasApic,
  });
  const idle: (() => boolean)[] = [];
  const parts = {
    memory,
    clock: time,
    wallClock,
    timers,
    requests,
    console: connections.paravirtualConsole ?? { write: () => undefined },
    drives: options.drives ?? [],
    log: calls,
    upcalls: upcallWires(() => later.chipset, hasApic),
    cpu: () => later.cpu,
    onIdle: (poll: () => boolean) => void idle.push(poll),
  };
  const xen = chooseXen(options, parts);
  const ringfence = makeRingfence(parts);
  const hypercalls = new HypercallDispatch(xen === undefined ? [kvm, ringfence] : [xen.abi]);
  const pin = new InterruptPin(lookAtInterrupts);
  const times = { clock, guestClock, timers, time, wallClock };
  const interfaces = { calls, kvm, xen, ringfence, hypercalls };
  const box = { later, requests, pin, idle };
  return { ...times, ...interfaces, ...box, model, hasApic, firmware, memory };
}

function makeChipset(options: MachineOptions, connections: PcConnections, frame: Frame): Chipset {
  const { memory, guestClock, timers, wallClock, requests, firmware, later, time } = frame;
  return new Chipset({
    memory,
    clock: guestClock,
    timers,
    wallClock,
    requests,
    firmware,
    processor: {
      interrupt: frame.pin,
      hasApic: frame.hasApic,
      x2Apic: frame.model.has.has('X2APIC'),
      eoiAssist: frame.kvm.endOfInterrupt,
      tsc: { hertz: tscHertz, now: () => later.cpu?.tsc() ?? time.hostTsc() },
      raiseNmi: () => later.cpu?.raiseNmi(),
      raiseInit: () => {
        requests.ask({ kind: 'reset', cause: 'init' });
      },
    },
    serialOutputs: connections.serialOutputs,
    debugOutput: connections.debugOutput,
    ...(connections.reports === undefined ? {} : { reports: connections.reports }),
    sound: connections.sound ?? { tone: () => undefined, level: () => undefined },
    ...(options.debugExitPort === undefined ? {} : { debugExitPort: options.debugExitPort }),
    ...(options.testDevice === true ? { testDevice: true } : {}),
    ...(options.pciTestDevice === true ? { pciTestDevice: true } : {}),
  });
}

/** What the CPU asks of the machine around it. */
function processorHost(
  options: MachineOptions,
  frame: Frame,
  chipset: Chipset,
  random: RandomSource,
): CpuHost {
  const { hypercalls, time, xen, ringfence, firmware, pin } = frame;
  const { localApic } = chipset.interrupts;
  const interrupts: InterruptController = {
    get requested() {
      return pin.level;
    },
    announces: true,
    acknowledge: () => chipset.interrupts.acknowledge(),
  };
  return {
    ports: {
      read: (port, bytes) => chipset.ports.readPort(port, bytes),
      write: (port, bytes, value) => {
        chipset.ports.writePort(port, bytes, value);
      },
    },
    interrupts: xen?.withUpcalls(interrupts) ?? withUpcalls(ringfence, interrupts),
    ...(localApic === undefined ? {} : { apic: localApic }),
    hypercalls: addBuiltInBios(chipset, firmware, options.drives ?? [], hypercalls),
    coprocessor: chipset.coprocessor,
    tsc: () => time.hostTsc(),
    tscWritten: () => {
      localApic?.tscChanged();
      hypercalls.clockChanged();
    },
    monotonicMs: () => options.host.monotonicMs(),
    random: () => random.next(),
  };
}

/** The CPU's INTR pin: remembers its level, and tells when it rises. */
class InterruptPin {
  level: boolean = false;
  readonly #rises: () => void;

  constructor(rises: () => void) {
    this.#rises = rises;
  }

  set(level: boolean): void {
    const rises = level && !this.level;
    this.level = level;
    if (rises) {
      this.#rises();
    }
  }
}

function findModel(name: string | undefined): CpuModel {
  const model = findCpuModel(name);
  if ('expected' in model) {
    const found = `"${model.found.slice(0, 60)}"`;
    throw new MachineError('bad-option', { where: 'CPU model', expected: model.expected, found });
  }
  return model;
}
