import { describe, expect, it } from 'vitest';
import * as aml from './aml.ts';
import { buildAcpiTables, type AcpiTablesOptions } from './tables.ts';

const options: AcpiTablesOptions = {
  address: 0x0fff_0000,
  pmBase: 0x600,
  pirqChoices: [5, 10, 11],
  pciMemoryFirst: 0x1000_0000,
  pciMemoryLast: 0xfebf_ffff,
  uarts: [[0x3f8, 4]],
};

/** A table within the image, found by following the pointers that an operating system follows. */
class Table {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(image: Uint8Array, address: number) {
    const at = address - options.address;
    const length = new DataView(image.buffer).getUint32(at + 4, true);
    this.bytes = image.slice(at, at + length);
    this.view = new DataView(this.bytes.buffer);
  }

  get signature(): string {
    return String.fromCharCode(...this.bytes.subarray(0, 4));
  }

  get sum(): number {
    return this.bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
  }

  pointer(offset: number): number {
    return this.view.getUint32(offset, true);
  }
}

function walk(extra: Partial<AcpiTablesOptions> = {}): {
  rsdp: Uint8Array;
  rsdt: Table;
  xsdt: Table;
  fadt: Table;
  dsdt: Table;
  image: Uint8Array;
} {
  const { tables, rsdp } = buildAcpiTables({ ...options, ...extra });
  const root = new DataView(rsdp.buffer);
  const rsdt = new Table(tables, root.getUint32(16, true));
  const xsdt = new Table(tables, root.getUint32(24, true));
  const fadt = new Table(tables, rsdt.pointer(36));
  const dsdt = new Table(tables, fadt.pointer(40));
  return { rsdp, rsdt, xsdt, fadt, dsdt, image: tables };
}

describe('ACPI tables', () => {
  it('have an RSDP whose two checksums hold', () => {
    const { rsdp } = walk();
    const sum = (length: number): number =>
      rsdp.subarray(0, length).reduce((total, byte) => (total + byte) & 0xff, 0);
    expect([rsdp.length, sum(20), sum(36)]).toEqual([36, 0, 0]);
    expect(String.fromCharCode(...rsdp.subarray(0, 8))).toBe('RSD PTR ');
  });

  it('are linked by signature and checksum', () => {
    const { rsdt, xsdt, fadt, dsdt } = walk();
    expect([rsdt, xsdt, fadt, dsdt].map((table) => [table.signature, table.sum])).toEqual([
      ['RSDT', 0],
      ['XSDT', 0],
      ['FACP', 0],
      ['DSDT', 0],
    ]);
    expect(xsdt.pointer(36)).toBe(rsdt.pointer(36));
  });

  it('have a FADT of revision 3 whose fields stand where table 5-5 says', () => {
    const { fadt } = walk();
    expect(fadt.bytes.length).toBe(244);
    expect([fadt.view.getUint16(46, true), fadt.pointer(48)]).toEqual([9, 0xb2]);
    expect([fadt.pointer(56), fadt.pointer(64), fadt.pointer(76), fadt.pointer(80)]).toEqual([
      0x600, 0x604, 0x608, 0x60c,
    ]);
    expect([...fadt.bytes.subarray(88, 96)]).toEqual([4, 2, 0, 4, 4, 0, 0, 0]);
    expect([fadt.bytes[108], fadt.view.getUint16(109, true)]).toEqual([0x32, 3]);
    expect(fadt.pointer(112)).toBe(0x425);
    expect([...fadt.bytes.subarray(116, 129)]).toEqual([
      1, 8, 0, 0, 0xf9, 0x0c, 0, 0, 0, 0, 0, 0, 6,
    ]);
    expect(fadt.pointer(140)).toBe(fadt.pointer(40));
    expect([...fadt.bytes.subarray(148, 156)]).toEqual([1, 32, 0, 0, 0x00, 0x06, 0, 0]);
    expect(fadt.pointer(208 + 4)).toBe(0x608);
  });

  it('have a FACS aligned to 64 bytes', () => {
    const { fadt, image } = walk();
    expect(fadt.pointer(36) % 64).toBe(0);
    expect(new Table(image, fadt.pointer(36)).signature).toBe('FACS');
  });

  it('say whether the timer has 32 bits', () => {
    expect(walk({ timerBits: 32 }).fadt.pointer(112) & 0x100).toBe(0x100);
  });

  it('list an MADT only when there is an APIC', () => {
    expect(walk().rsdt.bytes.length).toBe(40);
    const apic = {
      localApicAddress: 0xfee0_0000,
      processors: [0],
      ioApicId: 1,
      ioApicAddress: 0xfec0_0000,
    };
    const { rsdt, image } = walk({ apic });
    const madt = new Table(image, rsdt.pointer(40));
    expect([madt.signature, madt.sum, madt.pointer(36)]).toEqual(['APIC', 0, 0xfee0_0000]);
    let entries = 0;
    for (let at = 44; at < madt.bytes.length; at += madt.bytes[at + 1] ?? Infinity) {
      entries += 1;
    }
    expect(entries).toBe(8);
  });

  it('start the DSDT with \\_S5 and \\_S3, for power-off and sleep', () => {
    const { dsdt } = walk();
    const expected = [
      ...[0x08, 0x5c, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x06, 0x04, 0, 0, 0, 0],
      ...[0x08, 0x5c, 0x5f, 0x53, 0x33, 0x5f, 0x12, 0x06, 0x04, 1, 1, 0, 0],
    ];
    expect([...dsdt.bytes.subarray(36, 36 + expected.length)]).toEqual(expected);
  });

  it('have a DSDT of terms that end exactly where it does', () => {
    const { dsdt } = walk({ hpetAddress: 0xfed0_0000, floppy: true });
    const { bytes } = dsdt;
    const lengthAt = (at: number): number => {
      const lead = bytes[at] ?? 0;
      const follow = lead >> 6;
      let length = follow === 0 ? lead & 0x3f : lead & 0x0f;
      for (let index = 0; index < follow; index += 1) {
        length |= (bytes[at + 1 + index] ?? 0) << (4 + 8 * index);
      }
      return length;
    };
    // Behind \\_S5, \\_S3, \\PICM: the method \\_PIC, the scopes \\_PR and \\_SB.
    let at = 36 + 2 * 13 + 7;
    const kinds: (number | undefined)[] = [];
    while (at < bytes.length) {
      kinds.push(bytes[at]);
      at += 1 + lengthAt(at + 1);
    }
    expect([kinds, at]).toEqual([[0x14, 0x10, 0x10], bytes.length]);
  });

  it('have an HPET table only when there is an HPET', () => {
    const { rsdt, image } = walk({ hpetAddress: 0xfed0_0000 });
    const hpet = new Table(image, rsdt.pointer(40));
    expect([hpet.signature, hpet.sum, hpet.bytes.length]).toEqual(['HPET', 0, 56]);
    expect([hpet.pointer(36), hpet.pointer(44)]).toEqual([0x8086_a201, 0xfed0_0000]);
  });
});

describe('AML terms', () => {
  it('encode integers in the shortest way', () => {
    expect([0, 1, 2, 0x100, 0x1_0000].map((value) => aml.integer(value))).toEqual([
      [0x00],
      [0x01],
      [0x0a, 0x02],
      [0x0b, 0x00, 0x01],
      [0x0c, 0x00, 0x00, 0x01, 0x00],
    ]);
  });

  it('encode names of one, two and more segments', () => {
    const text = (bytes: readonly number[]): string => String.fromCharCode(...bytes);
    expect(text(aml.reference('PRQA'))).toBe('PRQA');
    expect(text(aml.reference('\\_SB'))).toBe('\\_SB_');
    expect(text(aml.reference('PCI0.ISA'))).toBe('.PCI0ISA_');
    expect(text(aml.reference('^PCI0.ISA.PIRR'))).toBe('^/\u0003PCI0ISA_PIRR');
  });

  it('put the interrupt that is chosen at byte 5 of its descriptor', () => {
    expect(aml.sharedInterrupts(11)).toEqual([0x89, 6, 0, 9, 1, 11, 0, 0, 0]);
  });

  it('encode EISA identifiers as the specification does for PNP0A03', () => {
    expect(aml.eisaId('PNP0A03')).toEqual([0x0c, 0x41, 0xd0, 0x0a, 0x03]);
  });

  it('encode lengths of one to three bytes that count themselves', () => {
    const lengthBytes = (size: number): number[] =>
      aml.buffer(Array.from({ length: size }, () => 0)).slice(1, 4);
    expect(lengthBytes(60)[0]).toBe(63);
    expect(lengthBytes(61).slice(0, 2)).toEqual([0x41, 0x04]);
    expect(lengthBytes(0x1000)).toEqual([0x86, 0x00, 0x01]);
  });

  it('end a resource template with an end tag', () => {
    expect(aml.resources(aml.irq(4))).toEqual([
      0x11, 0x08, 0x0a, 0x05, 0x22, 0x10, 0x00, 0x79, 0x00,
    ]);
  });
});
