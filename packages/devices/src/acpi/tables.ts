/**
 * The ACPI tables of an i440FX PC with a PIIX4 (ACPI Specification 2.0c, section 5.2).
 *
 *     RSDP -> RSDT -> FADT -> DSDT        header: signature 4, length 4, revision 1, checksum 1,
 *          -> XSDT -> MADT    FACS                OEM 6, table 8, revision 4, creator 4, revision 4
 *                  -> HPET
 */
import { hpetCapabilities } from '../hpet/registers.ts';
import { ascii, dword, word } from './aml.ts';
import { dsdtAml, type DsdtOptions } from './dsdt.ts';
import { acpiDisable, acpiEnable, apmPort, pmRegister, sciIrq } from './registers.ts';

/** What the tables say. */
export interface AcpiTablesOptions extends DsdtOptions {
  /** The guest-physical address at which `tables` will stand, a multiple of 64 below 4 GiB. */
  readonly address: number;
  /** Where the FACS stands, which guests write to, if not among `tables`: a multiple of 64. */
  readonly facsAddress?: number;
  /** How many bits the power management timer has; 24 by default. */
  readonly timerBits?: 24 | 32;
  /** Interrupt controllers other than the 8259s; without it there is no MADT. */
  readonly apic?: MadtOptions;
}

/** The interrupt controllers that the MADT lists. */
export interface MadtOptions {
  /** The address of the local APICs. */
  readonly localApicAddress: number;
  /** The APIC identifiers of the processors. */
  readonly processors: readonly number[];
  /** The identifier of the I/O APIC. */
  readonly ioApicId: number;
  /** The address of the I/O APIC. */
  readonly ioApicAddress: number;
}

/** The tables as bytes, to be copied into guest memory. */
export interface AcpiTables {
  /** All tables but the RSDP, for the address that was asked for. */
  readonly tables: Uint8Array;
  /** The FACS, which is not among them where it has an address of its own. */
  readonly facs: Uint8Array;
  /** The RSDP, 36 bytes, for any multiple of 16 between 0xe0000 and 0xfffff. */
  readonly rsdp: Uint8Array;
}

const headerSize = 36;
const facsSize = 64;
const fadtRevision = 3;

/** FADT flags: WBINVD, C1, no sleep button, a 32-bit timer, a reset register (table 5-6). */
const fadtFlags = {
  wbinvd: 0x1,
  c1: 0x4,
  noSleepButton: 0x20,
  timer32: 0x100,
  resetRegister: 0x400,
};
/** FADT boot flags: there are ISA devices and an 8042 (section 5.2.8.3). */
const bootFlags = { legacyDevices: 0x1, keyboardController: 0x2 };

/** Builds the tables. */
export function buildAcpiTables(options: AcpiTablesOptions): AcpiTables {
  const bytes: number[] = [];
  const place = (table: readonly number[], alignment: number): number => {
    while (bytes.length % alignment !== 0) {
      bytes.push(0);
    }
    const at = options.address + bytes.length;
    bytes.push(...table);
    return at;
  };
  const facs = options.facsAddress ?? place(facsTable(), 64);
  const dsdt = place(table('DSDT', 1, dsdtAml(options)), 16);
  const entries = [place(table('FACP', fadtRevision, fadtBody(options, facs, dsdt)), 16)];
  if (options.apic !== undefined) {
    entries.push(place(table('APIC', 1, madtBody(options.apic, options.pirqChoices)), 16));
  }
  if (options.hpetAddress !== undefined) {
    entries.push(place(table('HPET', 1, hpetBody(options.hpetAddress)), 16));
  }
  const rsdt = place(table('RSDT', 1, entries.flatMap(dword)), 16);
  const xsdt = place(
    table(
      'XSDT',
      1,
      entries.flatMap((entry) => [...dword(entry), ...dword(0)]),
    ),
    16,
  );
  const own = Uint8Array.from(facsTable());
  return { tables: Uint8Array.from(bytes), facs: own, rsdp: rsdp(rsdt, xsdt) };
}

/** Returns the byte that makes the sum of `bytes` and itself zero. */
export function checksum(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    sum += bytes[index] ?? 0;
  }
  return -sum & 0xff;
}

function table(signature: string, revision: number, body: readonly number[]): readonly number[] {
  const bytes = [
    ...ascii(signature),
    ...dword(headerSize + body.length),
    revision,
    0,
    ...ascii('RINGF '),
    ...ascii('RINGFPC '),
    ...dword(1),
    ...ascii('RNGF'),
    ...dword(1),
    ...body,
  ];
  bytes[9] = checksum(bytes);
  return bytes;
}

function rsdp(rsdt: number, xsdt: number): Uint8Array {
  const first = [...ascii('RSD PTR '), 0, ...ascii('RINGF '), 2, ...dword(rsdt)];
  first[8] = checksum(first);
  const all = [...first, ...dword(36), ...dword(xsdt), ...dword(0), 0, 0, 0, 0];
  all[32] = checksum(all);
  return Uint8Array.from(all);
}

function facsTable(): readonly number[] {
  const bytes = [...ascii('FACS'), ...dword(facsSize)];
  return [...bytes, ...Array.from({ length: facsSize - bytes.length }, () => 0)];
}

/** Returns what follows the header of the FADT (section 5.2.8, table 5-5). */
function fadtBody(options: AcpiTablesOptions, facs: number, dsdt: number): readonly number[] {
  const { pmBase } = options;
  const status = pmBase + pmRegister.status;
  const control = pmBase + pmRegister.control;
  const timer = pmBase + pmRegister.timer;
  const gpe = pmBase + pmRegister.gpeStatus;
  const flags =
    fadtFlags.wbinvd |
    fadtFlags.c1 |
    fadtFlags.noSleepButton |
    fadtFlags.resetRegister |
    (options.timerBits === 32 ? fadtFlags.timer32 : 0);
  return [
    ...[...dword(facs), ...dword(dsdt), 0, 1], // A desktop.
    ...[...word(sciIrq), ...dword(apmPort.command), acpiEnable, acpiDisable, 0, 0],
    ...[
      ...dword(status),
      ...dword(0),
      ...dword(control),
      ...dword(0),
      ...dword(0),
      ...dword(timer),
    ],
    ...[...dword(gpe), ...dword(0)],
    ...[4, 2, 0, 4, 4, 0, 0, 0], // Lengths of the event, control, timer and GPE blocks.
    ...[...word(0xfff), ...word(0xfff), ...word(0), ...word(0)], // No C2, no C3, no flushing.
    ...[0, 0, 0, 0, 0x32], // No duty cycle, no RTC alarm dates, the century in CMOS 0x32.
    ...[...word(bootFlags.legacyDevices | bootFlags.keyboardController), 0],
    ...[...dword(flags), ...ioAddress(0xcf9, 8), 0x06, 0, 0, 0],
    ...[...dword(facs), ...dword(0), ...dword(dsdt), ...dword(0)],
    ...[...ioAddress(status, 32), ...noAddress, ...ioAddress(control, 16), ...noAddress],
    ...[...noAddress, ...ioAddress(timer, 32), ...ioAddress(gpe, 32), ...noAddress],
  ];
}

/** Encodes a generic address in port space (section 5.2.3.1). */
function ioAddress(port: number, bits: number): readonly number[] {
  return [1, bits, 0, 0, ...dword(port), ...dword(0)];
}

const noAddress: readonly number[] = Array.from({ length: 12 }, () => 0);

/** Returns what follows the header of the MADT (section 5.2.10.4). */
function madtBody(apic: MadtOptions, pirqChoices: readonly number[]): readonly number[] {
  const processors = apic.processors.flatMap((id, index) => [0, 8, index, id, ...dword(1)]);
  const ioApic = [1, 12, apic.ioApicId, 0, ...dword(apic.ioApicAddress), ...dword(0)];
  // Active high: 1 edge-triggered, 0xd level-triggered. Request 0 arrives at input 2.
  const override = (irq: number, input: number, flags: number): readonly number[] => [
    ...[2, 10, 0, irq, ...dword(input), ...word(flags)],
  ];
  const levels = [...new Set([sciIrq, ...pirqChoices])].sort((a, b) => a - b);
  return [
    ...[...dword(apic.localApicAddress), ...dword(1)],
    ...processors,
    ...ioApic,
    ...override(0, 2, 0),
    ...levels.flatMap((irq) => override(irq, irq, 0x0d)),
    ...[4, 6, 0xff, 0, 0, 1], // NMI on LINT1 of every processor.
  ];
}

/** Returns what follows the header of the HPET table (IA-PC HPET Specification 1.0a, 3.2.4). */
function hpetBody(address: number): readonly number[] {
  const memory64 = [0, 64, 0, 0, ...dword(address), ...dword(0)];
  const leastTicks = 100;
  return [...dword(hpetCapabilities), ...memory64, 0, ...word(leastTicks), 0];
}
