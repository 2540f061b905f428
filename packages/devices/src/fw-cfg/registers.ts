/**
 * The layout of the firmware configuration device (QEMU, docs/specs/fw_cfg.rst).
 *
 *     port 0x510  selector, 16 bits, little-endian
 *     port 0x511  data, a byte of the selected item after the other
 *     port 0x514  DMA address, high half, big-endian
 *     port 0x518  DMA address, low half, big-endian; writing it starts the transfer
 *
 *     DMA access   0 control | 4 length | 8 address, all big-endian
 *     control      31..16 selector | 4 write | 3 select | 2 skip | 1 read | 0 error
 *
 *     file entry   0 size | 4 selector, 16 bits | 6 reserved | 8 name, 56 bytes; big-endian
 */

/** The ports of the device. */
export const fwCfgPort = { selector: 0x510, data: 0x511, dmaHigh: 0x514, dmaLow: 0x518 } as const;

/** Selectors of the items that have fixed numbers. */
export const fwCfgKey = {
  signature: 0x00,
  features: 0x01,
  uuid: 0x02,
  ramBytes: 0x03,
  noGraphic: 0x04,
  processors: 0x05,
  kernelAddress: 0x07,
  kernelBytes: 0x08,
  initrdAddress: 0x0a,
  initrdBytes: 0x0b,
  bootDevice: 0x0c,
  numa: 0x0d,
  bootMenu: 0x0e,
  maximumProcessors: 0x0f,
  kernelEntry: 0x10,
  kernelData: 0x11,
  initrdData: 0x12,
  commandLineAddress: 0x13,
  commandLineBytes: 0x14,
  commandLineData: 0x15,
  setupAddress: 0x16,
  setupBytes: 0x17,
  setupData: 0x18,
  fileDirectory: 0x19,
  fileFirst: 0x20,
  e820: 0x8003,
} as const;

/** The selector after reset, which selects nothing. */
export const noItem = 0xffff;

/** Bits of the DMA control word. */
export const dmaControl = { error: 1, read: 2, skip: 4, select: 8, write: 16 } as const;

/** What the signature item and the DMA address register read as. */
export const signature = 'QEMU';
/** The value of the DMA address register when read: "QEMU CFG", in two halves. */
export const dmaSignature = { high: 0x5145_4d55, low: 0x2043_4647 } as const;

/** Feature bits: the traditional interface, and DMA. */
export const features = 3;

/** Bytes of a name in the directory, the closing zero included. */
export const nameBytes = 56;
/** Bytes of a directory entry. */
export const entryBytes = 64;
/** Bytes of a DMA access structure. */
export const accessBytes = 16;

/** The most files that a directory can have: selectors 0x20 to 0x3fff. */
export const maximumFiles = 0x3fe0;
