import * as reg from './registers.ts';

type Bytes = readonly [offset: number, ...bytes: number[]];

/** Bytes of configuration space and their write masks. */
export interface CapabilityBytes {
  readonly initial: readonly Bytes[];
  readonly writable: readonly Bytes[];
}

const vendorSpecific = 0x09;
const msixCapability = 0x11;

/**
 * Returns the capability list of a virtio device (virtio 1.2, section 4.1.4), with MSI-X (PCI 3.0,
 * section 6.8.2) first where it has vectors.
 */
export function virtioCapabilities(
  configurationBytes: number,
  queues: number,
  vectors: number,
): CapabilityBytes {
  const { virtioRegion: region, capabilityAt: at, capabilityType: type } = reg;
  const notifyBytes = queues * reg.notifyMultiplier;
  const configuration = Math.max(4, configurationBytes);
  const initial: Bytes[] = [
    [at.pointer, vectors === 0 ? at.common : at.msix],
    capability(at.common, at.isr, type.common, region.common, reg.commonField.end),
    capability(at.isr, at.device, type.isr, region.isr, 1),
    capability(at.device, at.notify, type.device, region.device, configuration),
    [
      ...capability(at.notify, at.pciAccess, type.notify, region.notify, notifyBytes, 20),
      ...dword(reg.notifyMultiplier),
    ],
    capability(at.pciAccess, 0, type.pciAccess, 0, 0, 20, 0),
  ];
  const writable: Bytes[] = [
    // The window's base address register, offset and length.
    [at.pciAccess + 4, 0xff],
    [at.pciAccess + 8, ...Array.from({ length: 8 }, () => 0xff)],
  ];
  if (vectors > 0) {
    const table = dword(region.table | reg.virtioBar);
    const pending = dword(region.pending | reg.virtioBar);
    initial.push([at.msix, msixCapability, at.common, vectors - 1, 0, ...table, ...pending]);
    writable.push([at.msix + 3, 0xc0]);
  }
  return { initial, writable };
}

function capability(
  at: number,
  next: number,
  type: number,
  offset: number,
  bytes: number,
  length: number = 16,
  bar: number = reg.virtioBar,
): Bytes {
  const head = [vendorSpecific, next, length, type, bar, 0, 0, 0];
  return [at, ...head, ...dword(offset), ...dword(bytes)];
}

function dword(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}
