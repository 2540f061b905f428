/**
 * ACPI tables as files that firmware puts into memory (QEMU, hw/acpi/bios-linker-loader.c).
 *
 * Firmware chooses where they stand, so pointers are offsets within the file until a script of
 * 128-byte commands, `etc/table-loader`, has them moved and checksums made anew:
 *
 *     allocate 1      4 file | 60 alignment, 32 bits | 64 zone: 1 high, 2 below 1 MiB
 *     add pointer 2   4 file that points | 60 file pointed to | 116 offset, 32 bits | 120 bytes
 *     add checksum 3  4 file | 60 offset of the checksum | 64 first byte | 68 bytes
 */
import type { AcpiTables, FwCfgFile } from '@ringfence/devices';

const commandBytes = 128;
const nameBytes = 56;
const tablesFile = 'etc/acpi/tables';
const rsdpFile = 'etc/acpi/rsdp';

const headerBytes = 36;
/** Offsets of the two pointers of an RSDP, and of the four of a FADT (ACPI 2.0c, 5.2.5, 5.2.8). */
const rsdpPointer = { rsdt: 16, xsdt: 24 } as const;
const fadtPointers = [
  [36, 4],
  [40, 4],
  [132, 8],
  [140, 8],
] as const;
const checksumOffset = 9;
const rsdpChecksums = [
  [8, 20],
  [32, 36],
] as const;

/** Returns the files for tables that were built for address 0. */
export function acpiLoaderFiles({ tables, rsdp }: AcpiTables): readonly FwCfgFile[] {
  const script: Uint8Array[] = [allocate(rsdpFile, 16, 2), allocate(tablesFile, 64, 1)];
  const view = new DataView(tables.buffer, tables.byteOffset, tables.byteLength);
  const rsdpView = new DataView(rsdp.buffer, rsdp.byteOffset, rsdp.byteLength);
  const list = (at: number, size: 4 | 8): number[] => {
    const entries: number[] = [];
    const end = at + view.getUint32(at + 4, true);
    for (let entry = at + headerBytes; entry < end; entry += size) {
      script.push(addPointer(tablesFile, entry, size));
      entries.push(view.getUint32(entry, true));
    }
    script.push(addTableChecksum(view, at));
    return entries;
  };
  const entries = list(rsdpView.getUint32(rsdpPointer.rsdt, true), 4);
  list(rsdpView.getUint32(rsdpPointer.xsdt, true), 8);
  for (const at of entries) {
    if (signature(tables, at) === 'FACP') {
      script.push(
        ...fadtPointers.map(([offset, size]) => addPointer(tablesFile, at + offset, size)),
      );
      script.push(addTableChecksum(view, at));
    }
  }
  script.push(addPointer(rsdpFile, rsdpPointer.rsdt, 4), addPointer(rsdpFile, rsdpPointer.xsdt, 8));
  script.push(...rsdpChecksums.map(([offset, bytes]) => addChecksum(rsdpFile, offset, 0, bytes)));
  return [
    { name: tablesFile, bytes: tables },
    { name: rsdpFile, bytes: rsdp },
    { name: 'etc/table-loader', bytes: join(script) },
  ];
}

function allocate(file: string, alignment: number, zone: number): Uint8Array {
  const { bytes, view } = command(1, file);
  view.setUint32(4 + nameBytes, alignment, true);
  view.setUint8(8 + nameBytes, zone);
  return bytes;
}

function addPointer(file: string, offset: number, size: number): Uint8Array {
  const { bytes, view } = command(2, file);
  putName(bytes, 4 + nameBytes, tablesFile);
  view.setUint32(4 + 2 * nameBytes, offset, true);
  view.setUint8(8 + 2 * nameBytes, size);
  return bytes;
}

function addTableChecksum(view: DataView, at: number): Uint8Array {
  return addChecksum(tablesFile, at + checksumOffset, at, view.getUint32(at + 4, true));
}

function addChecksum(file: string, offset: number, start: number, length: number): Uint8Array {
  const { bytes, view } = command(3, file);
  view.setUint32(4 + nameBytes, offset, true);
  view.setUint32(8 + nameBytes, start, true);
  view.setUint32(12 + nameBytes, length, true);
  return bytes;
}

function command(kind: number, file: string): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(commandBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, kind, true);
  putName(bytes, 4, file);
  return { bytes, view };
}

function putName(bytes: Uint8Array, at: number, name: string): void {
  for (let index = 0; index < name.length; index += 1) {
    bytes[at + index] = name.charCodeAt(index);
  }
}

function signature(tables: Uint8Array, at: number): string {
  return String.fromCharCode(...tables.subarray(at, at + 4));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.length * commandBytes);
  for (const [index, part] of parts.entries()) {
    bytes.set(part, index * commandBytes);
  }
  return bytes;
}
