/** The AML of the DSDT: what ACPI is told of the PC's fixed hardware. */
import { pirqOf } from '../pci/isa-bridge.ts';
import * as aml from './aml.ts';
import { sleepTypeSoftOff } from './registers.ts';

/** What the DSDT describes. */
export interface DsdtOptions {
  /** To which interrupt requests PIRQA to PIRQD are wired. */
  readonly pirqRoutes: readonly number[];
  /** The first address of the memory range that the PCI bus decodes: the end of RAM, or above. */
  readonly pciMemoryFirst: number;
  /** The last address of that range. */
  readonly pciMemoryLast: number;
  /** First port and interrupt request of each UART, in the order of their names. */
  readonly uarts?: readonly (readonly [first: number, irq: number])[];
}

/** Returns the AML that stands behind the header of the DSDT. */
export function dsdtAml(options: DsdtOptions): aml.Aml {
  const off = aml.integer(sleepTypeSoftOff);
  return [
    ...aml.name('\\_S5', aml.packageOf(off, off, off, off)),
    ...aml.scope('\\_SB', pciRoot(options)),
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
    aml.name('_PRT', interruptRouting(options.pirqRoutes)),
    aml.device('ISA', aml.name('_ADR', aml.integer(0x1_0000)), ...isaDevices(options.uarts ?? [])),
  );
}

/**
 * Lists the request of each pin of each slot: wired, so that there is no link device to program.
 */
function interruptRouting(routes: readonly number[]): aml.Aml {
  const entries: aml.Aml[] = [];
  for (let slot = 1; slot < 32; slot += 1) {
    for (let pin = 0; pin < 4; pin += 1) {
      const irq = routes[pirqOf(slot, pin + 1)] ?? 0;
      const address = aml.integer(slot * 0x1_0000 + 0xffff);
      entries.push(aml.packageOf(address, aml.integer(pin), aml.integer(0), aml.integer(irq)));
    }
  }
  return aml.packageOf(...entries);
}

function isaDevices(uarts: readonly (readonly [number, number])[]): aml.Aml[] {
  return [
    isaDevice('RTC', 'PNP0B00', aml.ports(0x70, 2), aml.irq(8)),
    isaDevice('PIT', 'PNP0100', aml.ports(0x40, 4), aml.irq(0)),
    isaDevice('KBD', 'PNP0303', aml.ports(0x60, 1), aml.ports(0x64, 1), aml.irq(1)),
    isaDevice('MOU', 'PNP0F13', aml.irq(12)),
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

function isaDevice(nameText: string, id: string, ...descriptors: (readonly number[])[]): aml.Aml {
  return aml.device(
    nameText,
    aml.name('_HID', aml.eisaId(id)),
    aml.name('_CRS', aml.resources(...descriptors)),
  );
}
