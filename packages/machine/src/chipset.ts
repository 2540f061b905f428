/**
 * The chips of an i440FX PC, wired together.
 *
 * ISA interrupt requests are shared wires, so that serial ports 0 and 2 can both be on request 4.
 * What a chip asks of the machine (reset, power-off) goes into the request box, since it is asked
 * from within an access.
 */
import {
  AcpiPowerManagement,
  CmosRtc,
  DebugConsole,
  HostBridge,
  I8042,
  IsaBridge,
  IsaDebugExit,
  mapPciPorts,
  memorySizeBytes,
  PciBus,
  Pic8259Pair,
  Pit8254,
  Port92,
  PortBus,
  PostPort,
  PowerManagementFunction,
  sciIrq,
  SharedLine,
  Uart16550,
  VgaText,
} from '@ringfence/devices';
import type {
  ByteSink,
  Clock,
  IrqLine,
  PciAddressSpace,
  Resettable,
  Timers,
  WallClock,
} from '@ringfence/devices';
import type { PhysicalMemory } from '@ringfence/memory';

import { pciMemoryEnd, pirqRoutes, powerManagementBase, serialPorts } from './firmware.ts';
import type { RequestBox } from './requests.ts';
import { VideoMemory } from './video-memory.ts';

/** What the chips are connected to. */
export interface ChipsetOptions {
  readonly memory: PhysicalMemory;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly wallClock: WallClock;
  readonly requests: RequestBox;
  /** The CPU's INTR pin. */
  readonly interrupt: IrqLine;
  /** Where the four serial ports send. */
  readonly serialOutputs: readonly ByteSink[];
  /** Where port 0xe9 sends. */
  readonly debugOutput: ByteSink;
  readonly debugExitPort?: number;
}

const irqCount = 16;
const pageBytes = 4096;

/** The chips of a PC. */
export class Chipset {
  /** The I/O ports. */
  readonly ports: PortBus = new PortBus();
  /** The interrupt controllers. */
  readonly pic: Pic8259Pair;
  /** The serial ports. */
  readonly uarts: readonly Uart16550[];
  /** The keyboard controller. */
  readonly keyboard: I8042;
  readonly #vga: VgaText;
  readonly #videoMemory: VideoMemory;
  readonly #resettable: Resettable[] = [];

  /** Makes the chips and wires them. */
  constructor(options: ChipsetOptions) {
    const { clock, timers, requests, memory } = options;
    const reset = (): void => {
      requests.ask({ kind: 'reset', cause: 'guest' });
    };
    this.pic = this.#own(new Pic8259Pair({ interrupt: options.interrupt }));
    const wires = Array.from({ length: irqCount }, (_nothing, irq) => {
      return new SharedLine(this.pic.irqLine(irq));
    });
    const irq = (number: number): IrqLine => wires[number]?.source() ?? { set: () => undefined };
    const a20 = new SharedLine({ set: (open) => memory.setA20(open) });

    this.#own(new Pit8254({ clock, timers, irq: irq(0) }));
    this.#own(
      new CmosRtc({
        clock,
        timers,
        wallClock: options.wallClock,
        irq: irq(8),
        bytes: memorySizeBytes(memory.machine.ramBytes),
      }),
    );
    this.uarts = serialPorts.map(([base, number], index) => {
      const output = options.serialOutputs[index] ?? { write: () => undefined };
      const input = 'when-listening';
      return this.#own(new Uart16550({ base, clock, timers, irq: irq(number), output, input }));
    });
    this.keyboard = this.#own(
      new I8042({
        clock,
        timers,
        keyboardIrq: irq(1),
        mouseIrq: irq(12),
        a20: a20.source(),
        requestReset: reset,
      }),
    );
    this.#own(new Port92({ a20: a20.source(), requestReset: reset }));
    this.#videoMemory = new VideoMemory(memory);
    this.#vga = this.#own(
      new VgaText({
        clock,
        windowChanged: (window) => {
          this.#videoMemory.show(window);
        },
      }),
    );
    this.#videoMemory.show(this.#vga.window);
    this.#own(new PostPort());
    this.#own(new DebugConsole({ output: options.debugOutput }));
    this.#addPci(options, irq, reset);
    if (options.debugExitPort !== undefined) {
      this.#own(
        new IsaDebugExit({
          base: options.debugExitPort,
          requestExit: (status) => {
            const end = { reason: 'debug-exit', value: status >> 1, status } as const;
            requests.ask({ kind: 'end', end });
          },
        }),
      );
    }
  }

  /** Gives the machine's RESET signal to all chips and clears the screen. */
  reset(): void {
    for (const device of this.#resettable) {
      device.reset();
    }
    this.#videoMemory.clear(this.#vga.window);
  }

  /** Returns the rows of the text screen; none in a graphics mode. */
  screenRows(): readonly string[] {
    return this.#vga.text(this.#videoMemory.bytes(this.#vga.window));
  }

  #addPci(options: ChipsetOptions, irq: (number: number) => IrqLine, reset: () => void): void {
    const { clock, timers, requests } = options;
    const acpi = this.#own(
      new AcpiPowerManagement({
        clock,
        timers,
        sci: irq(sciIrq),
        sciEnabled: true,
        requestPowerOff: () => {
          requests.ask({ kind: 'end', end: { reason: 'poweroff' } });
        },
      }),
    );
    const irqLines = Array.from({ length: irqCount }, (_nothing, number) => irq(number));
    const bus = this.#own(new PciBus({ requestReset: reset }));
    bus.add(0, 0, this.#own(new HostBridge()));
    bus.add(1, 0, this.#own(new IsaBridge({ irqLines, routes: pirqRoutes })));
    const addressSpace = pciAddressSpace(this.ports, options.memory);
    const { registers } = acpi;
    const base = powerManagementBase;
    bus.add(1, 3, this.#own(new PowerManagementFunction({ registers, addressSpace, base })));
  }

  /** Attaches a chip's ports, if it has any, and remembers it for resets. */
  #own<Device extends Resettable>(device: Device): Device {
    if (isPortDevice(device)) {
      this.ports.attach(device);
    }
    this.#resettable.push(device);
    return device;
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
