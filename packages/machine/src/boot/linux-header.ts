/**
 * The setup header of a Linux kernel image (Linux, Documentation/arch/x86/boot.rst, "The Real-Mode
 * Kernel Header").
 */
import type { ImageView } from './image-view.ts';
import { hex } from './image-view.ts';

/**
 * Offsets within the image and within `boot_params`: the header stands at the same place in both.
 */
export const SetupOffset = {
  setupSectors: 0x1f1,
  sizeParagraphs: 0x1f4,
  videoMode: 0x1fa,
  bootFlag: 0x1fe,
  jump: 0x200,
  magic: 0x202,
  version: 0x206,
  loaderType: 0x210,
  loadFlags: 0x211,
  code32Start: 0x214,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  commandLine: 0x228,
  initrdMaximum: 0x22c,
  kernelAlignment: 0x230,
  relocatable: 0x234,
  minimumAlignment: 0x235,
  extendedLoadFlags: 0x236,
  commandLineSize: 0x238,
  payloadOffset: 0x248,
  payloadBytes: 0x24c,
  setupData: 0x250,
  preferredAddress: 0x258,
  initSize: 0x260,
} as const;

/** "HdrS", which says that there is a header (protocol 2.00 and later). */
export const setupMagic = 0x5372_6448;

/** The boot sector's signature. */
export const bootFlag = 0xaa55;

/** The end of the header's room in `boot_params`. */
export const setupHeaderEnd = 0x290;

const loadedHigh = 1;
const kernel64 = 1;
const sectorBytes = 512;
const zImageLoad = 0x1_0000;
const bzImageLoad = 0x10_0000;

/** What a kernel's header says, with the defaults of old protocols filled in. */
export interface LinuxHeader {
  /** Boot protocol, 0x20f for 2.15. */
  readonly version: number;
  /** Bytes of the header within the file, from offset 0x1f1. */
  readonly headerBytes: number;
  /** Offset of the protected-mode code within the file. */
  readonly codeOffset: number;
  /** Bytes of the protected-mode code. */
  readonly codeBytes: number;
  /** Where the code wants to be when nothing is moved. */
  readonly loadAddress: number;
  /** The highest address that the initial RAM disk may occupy. */
  readonly initrdMaximum: number;
  /** Bytes of command line without the closing zero. */
  readonly commandLineBytes: number;
  /** Whether the code can be loaded at any aligned address. */
  readonly relocatable: boolean;
  /** Alignment in bytes that it prefers, a power of two. */
  readonly alignment: number;
  /** Alignment in bytes that it can live with. */
  readonly minimumAlignment: number;
  /** Where it prefers to be loaded; 0 for no preference. */
  readonly preferredAddress: number;
  /**
   * Memory from its start that it needs before it looks at the memory map; at least `codeBytes`.
   */
  readonly initBytes: number;
  /** Whether the kernel is for 64-bit mode. */
  readonly is64Bit: boolean;
}

/** Tells whether a file has the signatures of a Linux kernel image. */
export function isLinuxImage(image: ImageView): boolean {
  return (
    image.bytes.length >= SetupOffset.version + 2 &&
    image.u16(SetupOffset.bootFlag) === bootFlag &&
    image.u32(SetupOffset.magic) === setupMagic
  );
}

/**
 * Reads the setup header of a Linux kernel image.
 *
 * @throws MachineError `bad-image` for what is none, or contradicts itself, or ends too early.
 */
export function readLinuxHeader(image: ImageView): LinuxHeader {
  checkSignatures(image);
  const version = image.u16(SetupOffset.version);
  const at = (minimum: number, read: () => number, otherwise: number): number =>
    version >= minimum ? read() : otherwise;
  const high = (image.u8(SetupOffset.loadFlags) & loadedHigh) !== 0;
  const codeOffset = ((image.u8(SetupOffset.setupSectors) || 4) + 1) * sectorBytes;
  const codeBytes = codeBytesOf(image, version, codeOffset);
  const relocatable = at(0x205, () => image.u8(SetupOffset.relocatable), 0) !== 0;
  const alignment = relocatable ? alignmentOf(image) : 1;
  const smallest = at(0x20a, () => image.u8(SetupOffset.minimumAlignment), 0);
  return {
    version,
    headerBytes: headerBytesOf(image),
    codeOffset,
    codeBytes,
    loadAddress: high ? bzImageLoad : zImageLoad,
    initrdMaximum: at(0x203, () => image.u32(SetupOffset.initrdMaximum), 0x37ff_ffff),
    commandLineBytes: at(0x206, () => image.u32(SetupOffset.commandLineSize), 255),
    relocatable,
    alignment,
    minimumAlignment: smallest === 0 || smallest > 31 ? alignment : 2 ** smallest,
    preferredAddress: at(0x20a, () => preferredAddressOf(image), 0),
    initBytes: Math.max(
      codeBytes,
      at(0x20a, () => image.u32(SetupOffset.initSize), 0),
    ),
    is64Bit: at(0x20c, () => image.u16(SetupOffset.extendedLoadFlags) & kernel64, 0) !== 0,
  };
}

function checkSignatures(image: ImageView): void {
  if (image.u16(SetupOffset.bootFlag) !== bootFlag) {
    const found = hex(image.u16(SetupOffset.bootFlag));
    throw image.bad(SetupOffset.bootFlag, 'the boot signature 0xaa55 of a Linux kernel', found);
  }
  if (image.u32(SetupOffset.magic) !== setupMagic) {
    const found = hex(image.u32(SetupOffset.magic));
    throw image.bad(SetupOffset.magic, '"HdrS" (boot protocol 2.00 or later)', found);
  }
  if (image.u16(SetupOffset.version) < 0x200) {
    const found = hex(image.u16(SetupOffset.version));
    throw image.bad(SetupOffset.version, 'boot protocol 0x200 or later', found);
  }
}

/** The header ends where the jump over it at 0x200 leads to (boot.rst, "jump"). */
function headerBytesOf(image: ImageView): number {
  const end = SetupOffset.jump + 2 + image.u8(SetupOffset.jump + 1);
  if (end < SetupOffset.loadFlags || end > setupHeaderEnd) {
    const range = `a jump to ${hex(SetupOffset.loadFlags)}..${hex(setupHeaderEnd)}`;
    throw image.bad(SetupOffset.jump + 1, range, hex(end));
  }
  image.need(SetupOffset.setupSectors, end - SetupOffset.setupSectors, 'the setup header');
  return end - SetupOffset.setupSectors;
}

function codeBytesOf(image: ImageView, version: number, codeOffset: number): number {
  const there = image.bytes.length - codeOffset;
  const field =
    version >= 0x204
      ? image.u32(SetupOffset.sizeParagraphs)
      : image.u16(SetupOffset.sizeParagraphs);
  // The size is in units of 16 bytes, rounded up; before 2.04 it is not reliable (boot.rst,
  // "syssize").
  const claimed = version >= 0x204 ? field * 16 : 0;
  if (there <= 0 || claimed > there + 15) {
    throw image.bad(
      codeOffset,
      claimed > 0 ? `${String(claimed)} bytes of protected-mode code` : 'protected-mode code',
      `${String(Math.max(0, there))} bytes up to the end of the file`,
    );
  }
  return there;
}

function alignmentOf(image: ImageView): number {
  const alignment = image.u32(SetupOffset.kernelAlignment);
  if (alignment === 0 || (alignment & (alignment - 1)) !== 0) {
    throw image.bad(SetupOffset.kernelAlignment, 'a power of two as alignment', hex(alignment));
  }
  return alignment;
}

function preferredAddressOf(image: ImageView): number {
  const high = image.u32(SetupOffset.preferredAddress + 4);
  return high * 2 ** 32 + image.u32(SetupOffset.preferredAddress);
}
