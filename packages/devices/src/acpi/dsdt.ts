/** The AML of the DSDT: what ACPI is told of the PC's fixed hardware. */
import { pirqOf } from '../pci/isa-bridge.ts';
import { pirqFirst, pirqOff } from '../pci/registers.ts';
import * as aml from './aml.ts';
import { apmPort, sleepTypeSoftOff, sleepTypeToRam } from './registers.ts';

/** What the DSDT describes. */
export interface DsdtOptions {
  /** PMBASE: where the power management ports stand. */
  readonly pmBase: number;
  /** The interrupt requests to which PIRQA to PIRQD can be routed. */
  readonly pirqChoices: readonly number[];
  /** The first address of the memory range that the PCI bus decodes: the end of RAM, or above. */
  readonly pciMemoryFirst: number;
  /** The last address of that range. */
  readonly pciMemoryLast: number;
  /** First port and interrupt request of each UART, in the order of their names. */
  readonly uarts?: readonly (readonly [first: number, irq: number])[];
  /** Whether there is a floppy controller. */
  readonly floppy?: boolean;
  /** First address and length of chips' registers outside of PCI, for nobody else to use. */
  readonly reserved?: readonly (readonly [first: number, bytes: number])[];
  /** The address of the HPET, if there is one. */
  readonly hpetAddress?: number;
}

const links = ['LNKA', 'LNKB', 'LNKC', 'LNKD'] as const;
const routes = ['PRQA', 'PRQB', 'PRQC', 'PRQD'] as const;

/** Returns the AML that stands behind the header of the DSDT. */
export function dsdtAml(options: DsdtOptions): aml.Aml {
  const off = aml.integer(sleepTypeSoftOff);
  const toRam = aml.integer(sleepTypeToRam);
  return [
    ...aml.name('\\_S5', aml.packageOf(off, off, off, off)),
    ...aml.name('\\_S3', aml.packageOf(toRam, toRam, off, off)),
    // How interrupts are routed is the same with the 8259s and with the I/O APIC.
    ...aml.name('\\PICM', aml.integer(0)),
    ...aml.method('\\_PIC', 1, aml.store(aml.argument0, aml.reference('\\PICM'))),
    ...aml.scope('\\_PR', aml.processor('CPU0', 0)),
    ...aml.scope(
      '\\_SB',
      pciRoot(options),
      aml.byteFields('PCI0.ISA.PIRR', ...routes),
      ...links.map((link, index) => linkDevice(link, index, options.pirqChoices)),
      aml.scope('PCI0', aml.name('_PRT', interruptRouting())),
      boardResources(options),
      ...(options.hpetAddress === undefined ? [] : [hpetDevice(options.hpetAddress)]),
    ),
  ];
}

function pciRoot(options: DsdtOptions): aml.Aml {
  return aml.device(
    'PCI0',
    aml.name('_HID', aml.eisaId('PNP0A03')),
    aml.name('_UID', aml.integer(0)),
    aml.name(
      '_CRS',
      aml.resources(
        aml.busNumbers(0, 0xff),
        aml.ports(0xcf8, 8),
        aml.portRange(0, 0xcf7),
        aml.portRange(0xd00, 0xffff),
        aml.memoryRange(0xa_0000, 0xb_ffff, true),
        aml.memoryRange(options.pciMemoryFirst, options.pciMemoryLast, false),
      ),
    ),
    aml.device(
      'ISA',
      aml.name('_ADR', aml.integer(0x1_0000)),
      aml.configRegion('PIRR', pirqFirst, routes.length),
      ...isaDevices(options),
    ),
  );
}

/** Lists the link device of each pin of each slot (section 6.2.11). */
function interruptRouting(): aml.Aml {
  const entries: aml.Aml[] = [];
  for (let slot = 1; slot < 32; slot += 1) {
    for (let pin = 0; pin < 4; pin += 1) {
      const link = aml.reference(links[pirqOf(slot, pin + 1)] ?? links[0]);
      const address = aml.integer(slot * 0x1_0000 + 0xffff);
      entries.push(aml.packageOf(address, aml.integer(pin), link, aml.integer(0)));
    }
  }
  return aml.packageOf(...entries);
}

/** Returns a link device: it reads and writes a route control register of the ISA bridge. */
function linkDevice(link: string, index: number, choices: readonly number[]): aml.Aml {
  const route = aml.reference(routes[index] ?? routes[0]);
  const isOff = aml.and(route, aml.integer(pirqOff));
  const present = aml.integer(0x0b);
  const disabled = aml.integer(0x09);
  const irqOffset = 5;
  return aml.device(
    link,
    aml.name('_HID', aml.eisaId('PNP0C0F')),
    aml.name('_UID', aml.integer(index + 1)),
    aml.name('_PRS', aml.resources(aml.sharedInterrupts(...choices))),
    aml.method('_STA', 0, aml.ifTrue(isOff, aml.returnValue(disabled)), aml.returnValue(present)),
    aml.method('_DIS', 0, aml.or(route, aml.integer(pirqOff), route)),
    aml.method(
      '_CRS',
      0,
      aml.name('CRSB', aml.resources(aml.sharedInterrupts(0))),
      aml.createDwordField(aml.reference('CRSB'), irqOffset, 'IRQN'),
      aml.store(aml.and(route, aml.integer(0x0f)), aml.reference('IRQN')),
      // A pin that is not routed has no request: its number is 0.
      aml.ifTrue(isOff, aml.store(aml.integer(0), aml.reference('IRQN'))),
      aml.returnValue(aml.reference('CRSB')),
    ),
    aml.method(
      '_SRS',
      1,
      aml.createDwordField(aml.argument0, irqOffset, 'IRQN'),
      aml.store(aml.reference('IRQN'), route),
    ),
  );
}

function isaDevices(options: DsdtOptions): aml.Aml[] {
  const { uarts = [], floppy = false } = options;
  return [
    isaDevice('RTC', 'PNP0B00', aml.ports(0x70, 2), aml.irq(8)),
    isaDevice('PIT', 'PNP0100', aml.ports(0x40, 4), aml.irq(0)),
    isaDevice('PIC', 'PNP0000', aml.ports(0x20, 2), aml.ports(0xa0, 2), aml.irq(2)),
    isaDevice('FPU', 'PNP0C04', aml.ports(0xf0, 1), aml.irq(13)),
    isaDevice('SPKR', 'PNP0800', aml.ports(0x61, 1)),
    isaDevice('KBD', 'PNP0303', aml.ports(0x60, 1), aml.ports(0x64, 1), aml.irq(1)),
    isaDevice('MOU', 'PNP0F13', aml.irq(12)),
    ...(floppy ? floppyDevices() : []),
    ...uarts.map(([first, irq], index) =>
      aml.device(
        `COM${String(index + 1)}`,
        aml.name('_HID', aml.eisaId('PNP0501')),
        aml.name('_UID', aml.integer(index + 1)),
        aml.name('_CRS', aml.resources(aml.ports(first, 8), aml.irq(irq))),
      ),
    ),
  ];
}

/** The floppy controller, and the DMA controllers that it needs. */
function floppyDevices(): aml.Aml[] {
  return [
    isaDevice(
      'DMAC',
      'PNP0200',
      aml.ports(0x00, 0x10),
      aml.ports(0x81, 0x0f),
      aml.ports(0xc0, 0x20),
      aml.dma(4),
    ),
    isaDevice('FDC', 'PNP0700', aml.ports(0x3f2, 4), aml.ports(0x3f7, 1), aml.irq(6), aml.dma(2)),
  ];
}

/** Ports and memory of the board that no driver asks for, and that nobody else may have. */
function boardResources(options: DsdtOptions): aml.Aml {
  const { pmBase, reserved = [] } = options;
  return aml.device(
    'MBRD',
    aml.name('_HID', aml.eisaId('PNP0C02')),
    aml.name('_UID', aml.integer(0)),
    aml.name(
      '_CRS',
      aml.resources(
        aml.ports(0x80, 1),
        aml.ports(0x92, 1),
        aml.ports(apmPort.command, 2),
        aml.ports(0x4d0, 2),
        aml.ports(pmBase, 0x40),
        ...reserved.map(([first, bytes]) => aml.fixedMemory(first, bytes, true)),
      ),
    ),
  );
}

function hpetDevice(address: number): aml.Aml {
  return aml.device(
    'HPET',
    aml.name('_HID', aml.eisaId('PNP0103')),
    aml.name('_UID', aml.integer(0)),
    aml.name('_CRS', aml.resources(aml.fixedMemory(address, 0x400, false))),
  );
}

function isaDevice(nameText: string, id: string, ...descriptors: (readonly number[])[]): aml.Aml {
  return aml.device(
    nameText,
    aml.name('_HID', aml.eisaId(id)),
    aml.name('_CRS', aml.resources(...descriptors)),
  );
}
