/**
 * The chips of an i440FX PC, wired together.
 *
 * ISA interrupt requests are shared wires, so that serial ports 0 and 2 can both be on request 4.
 * What a chip asks of the machine (reset, power-off) goes into the request box, since it is asked
 * from within an access.
 */
import {
  AcpiPowerManagement,
  DebugConsole,
  HostBridge,
  I8042,
  IsaBridge,
  IsaDebugExit,
  mapPciPorts,
  memorySizeBytes,
  PciBus,
  PciTestDevice,
  PcTestDevice,
  Port92,
  PortBus,
  PowerManagementFunction,
  sciIrq,
  SharedLine,
  testMemoryAddress,
  testMemoryBytes,
  Uart16550,
} from '@ringfence/devices';
import type {
  ByteSink,
  Clock,
  IrqLine,
  PciAddressSpace,
  Resettable,
  ShadowSegment,
  SpeakerSound,
  Timers,
  WallClock,
} from '@ringfence/devices';
import type { PhysicalMemory } from '@ringfence/memory';

import { A20Gate } from './board-a20.ts';
import { addCoprocessorError } from './board-coprocessor.ts';
import type { CoprocessorErrorLatch } from './board-coprocessor.ts';
import { Display } from './board-display.ts';
import { addFirmware } from './board-firmware.ts';
import type { Firmware } from './board-firmware.ts';
import { InterruptControllers } from './board-interrupts.ts';
import type { Processor } from './board-interrupts.ts';
import { addTime } from './board-time.ts';
import type { TimeChips } from './board-time.ts';
import { addReports } from './board-reports.ts';
import type { ReportOutputs } from './board-reports.ts';
import type { Board, OwnedChip } from './board.ts';
import { FirmwareMemory } from './firmware-memory.ts';
import { pciMemoryEnd, pirqRoutes, powerManagementBase, serialPorts } from './firmware.ts';
import type { RequestBox } from './requests.ts';

/** What the chips are connected to. */
export interface ChipsetOptions {
  readonly memory: PhysicalMemory;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly wallClock: WallClock;
  readonly requests: RequestBox;
  /** What the interrupt controllers are connected to. */
  readonly processor: Processor;
  /** Where the four serial ports send. */
  readonly serialOutputs: readonly ByteSink[];
  /** Where port 0xe9 sends. */
  readonly debugOutput: ByteSink;
  /** Where the parallel port and checkpoint codes go; nowhere by default. */
  readonly reports?: ReportOutputs;
  /** Who makes the speaker's sound. */
  readonly sound: SpeakerSound;
  readonly debugExitPort?: number;
  /** Whether there is a device for test kernels, `pc-testdev`. */
  readonly testDevice?: boolean;
  /** Whether there is one on the PCI bus, `pci-testdev`. */
  readonly pciTestDevice?: boolean;
  /** What stands in the ROM. */
  readonly firmware: Firmware;
}

const irqCount = 16;
const pageBytes = 4096;
/** The test device's place on the bus, and that of its memory and ports without firmware. */
const pciTestSlot = 4;
const pciTestPlaces = [0xf300_0000, 0xc300] as const;

/** The chips of a PC, and the board that they are wired to. */
export class Chipset implements Board {
  readonly ports: PortBus = new PortBus();
  readonly memory: PhysicalMemory;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly wallClock: WallClock;
  readonly requests: RequestBox;
  readonly pci: PciBus;
  readonly pciAddressSpace: PciAddressSpace;
  /** The interrupt controllers. */
  readonly interrupts: InterruptControllers;
  /** What counts and keeps the time. */
  readonly time: TimeChips;
  /** The serial ports. */
  readonly uarts: readonly Uart16550[];
  /** The keyboard controller. */
  readonly keyboard: I8042;
  /** The screen. */
  readonly display: Display;
  /** What the processor's floating-point error pins are connected to. */
  readonly coprocessor: CoprocessorErrorLatch;
  readonly #firmwareMemory: FirmwareMemory;
  readonly #isaWires: readonly SharedLine[];
  readonly #isaBridge: IsaBridge;
  readonly #owned: OwnedChip[] = [];
  #power: AcpiPowerManagement | undefined;
  #hostBridge: HostBridge | undefined;

  /** Makes the chips and wires them. */
  constructor(options: ChipsetOptions) {
    this.memory = options.memory;
    this.clock = options.clock;
    this.timers = options.timers;
    this.wallClock = options.wallClock;
    this.requests = options.requests;
    this.pciAddressSpace = pciAddressSpace(this.ports, options.memory);
    const { firmware } = options;
    this.#firmwareMemory = new FirmwareMemory(options.memory, firmware.rom);
    this.interrupts = new InterruptControllers(this, options.processor);
    this.#isaWires = Array.from({ length: irqCount }, (_nothing, irq) => {
      return new SharedLine(this.interrupts.isaLine(irq));
    });
    const requestReset = (): void => {
      this.requests.ask({ kind: 'reset', cause: 'guest' });
    };
    this.pci = this.own('pci', new PciBus({ requestReset }));
    this.#isaBridge = this.#addPciBridges();
    this.time = addTime(this, {
      ioApic: this.interrupts.ioApic,
      nmi: this.interrupts.nmiLine(options.processor),
      sound: options.sound,
      clockInterrupt: {
        set: (level) => {
          this.#power?.setClockInterrupt(level);
        },
      },
      cmos: { ...memorySizeBytes(this.memory.machine.usableBytes), ...firmware.cmos },
    });
    this.uarts = this.#addSerialPorts(options.serialOutputs);
    this.keyboard = this.#addKeyboardController(requestReset);
    this.display = new Display(this, firmware.display);
    addReports(this, options.reports);
    this.own('debug-console', new DebugConsole({ output: options.debugOutput }));
    this.coprocessor = addCoprocessorError(this);
    this.#power = this.#addPowerManagement();
    addFirmware(this, firmware, options.debugOutput);
    if (options.debugExitPort !== undefined) {
      this.#addDebugExit(options.debugExitPort);
    }
    if (options.testDevice === true) {
      const device = new PcTestDevice({ irq: (request) => this.isaIrq(request) });
      this.memory.mapMmio(testMemoryAddress, testMemoryBytes, this.own('pc-testdev', device));
    }
    if (options.pciTestDevice === true) {
      const { pciAddressSpace: addressSpace } = this;
      const device = new PciTestDevice({ addressSpace, places: pciTestPlaces });
      this.pci.add(pciTestSlot, 0, this.own('pci-testdev', device));
    }
  }

  /** The chips in the order in which they were taken in. */
  get owned(): readonly OwnedChip[] {
    return this.#owned;
  }

  isaIrq(irq: number): IrqLine {
    return this.#isaWires[irq]?.source() ?? { set: () => undefined };
  }

  pciIrq(device: number, pin: number): IrqLine {
    return this.#isaBridge.interruptPin(device, pin);
  }

  own<Device extends Resettable>(name: string, chip: Device): Device {
    if (this.#owned.some((other) => other.name === name)) {
      throw new Error(`machine: a chip named ${name} is on the board already`);
    }
    if (isPortDevice(chip)) {
      this.ports.attach(chip);
    }
    this.#owned.push({ name, chip });
    return chip;
  }

  /** Gives the machine's RESET signal to all chips. */
  reset(): void {
    for (const { chip } of this.#owned) {
      chip.reset();
    }
  }

  /** Whether the machine sleeps with its memory kept (ACPI's S3). */
  get asleep(): boolean {
    return this.#power?.isAsleep === true;
  }

  /**
   * Takes the power from all chips but those that watch for what wakes the machine, and the host
   * bridge, which keeps memory and where its ROM is read from.
   */
  powerDown(): void {
    const kept: readonly unknown[] = [this.time.cmos, this.#power, this.#hostBridge];
    for (const { chip } of this.#owned) {
      if (!kept.includes(chip)) chip.reset();
    }
  }

  #addPciBridges(): IsaBridge {
    const irqLines = Array.from({ length: irqCount }, (_nothing, irq) => this.isaIrq(irq));
    const shadowChanged = (segment: ShadowSegment): void => {
      this.#firmwareMemory.show(segment);
    };
    const hostBridge = this.own('pci-host-bridge', new HostBridge({ shadowChanged }));
    this.#hostBridge = hostBridge;
    hostBridge.segments().forEach(shadowChanged);
    this.pci.add(0, 0, hostBridge);
    const bridge = this.own('pci-isa-bridge', new IsaBridge({ irqLines, routes: pirqRoutes }));
    this.pci.add(1, 0, bridge);
    return bridge;
  }

  #addSerialPorts(outputs: readonly ByteSink[]): readonly Uart16550[] {
    const { clock, timers } = this;
    return serialPorts.map(([base, number], index) => {
      const output = outputs[index] ?? { write: () => undefined };
      const irq = this.isaIrq(number);
      const uart = new Uart16550({ base, clock, timers, irq, output, input: 'when-listening' });
      return this.own(`serial${String(index)}`, uart);
    });
  }

  #addKeyboardController(requestReset: () => void): I8042 {
    const { clock, timers } = this;
    const a20 = new A20Gate((open) => this.memory.setA20(open));
    const keyboardIrq = this.isaIrq(1);
    const mouseIrq = this.isaIrq(12);
    const lines = { keyboardIrq, mouseIrq, a20: a20.source(), requestReset };
    const keyboard = this.own('i8042', new I8042({ clock, timers, ...lines }));
    this.own('port-92', new Port92({ a20: a20.source(), requestReset }));
    this.own('a20-gate', a20);
    return keyboard;
  }

  #addPowerManagement(): AcpiPowerManagement {
    const { clock, timers, requests, pciAddressSpace: addressSpace } = this;
    const acpi = this.own(
      'acpi',
      new AcpiPowerManagement({
        clock,
        timers,
        sci: this.isaIrq(sciIrq),
        sciEnabled: true,
        requestPowerOff: () => {
          requests.ask({ kind: 'end', end: { reason: 'poweroff' } });
        },
        requestSleep: (kind) => {
          requests.ask({ kind });
        },
      }),
    );
    const { registers } = acpi;
    const base = powerManagementBase;
    const powerManagement = new PowerManagementFunction({ registers, addressSpace, base });
    this.pci.add(1, 3, this.own('pci-power-management', powerManagement));
    return acpi;
  }

  #addDebugExit(base: number): void {
    const requestExit = (status: number): void => {
      const end = { reason: 'debug-exit', value: status >> 1, status } as const;
      this.requests.ask({ kind: 'end', end });
    };
    this.own('isa-debug-exit', new IsaDebugExit({ base, requestExit }));
  }
}

function isPortDevice(device: object): device is Parameters<PortBus['attach']>[0] {
  return 'ports' in device && 'readPort' in device;
}

/** Where base address registers map; ranges that are not whole pages above RAM stay unmapped. */
function pciAddressSpace(ports: PortBus, memory: PhysicalMemory): PciAddressSpace {
  return {
    mapPorts: (first, count, device) => mapPciPorts(ports, first, count, device),
    mapMemory: (address, size, device) => {
      const end = address + size;
      const isFree = address >= memory.machine.ramBytes && end <= pciMemoryEnd;
      if (!isFree || address % pageBytes !== 0 || size % pageBytes !== 0) {
        return { release: () => undefined };
      }
      memory.mapMmio(address, size, device);
      return {
        release: () => {
          memory.unmap(address, size);
        },
      };
    },
  };
}
