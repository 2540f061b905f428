/**
 * What the display tells of itself (VESA Enhanced EDID Standard 1.4, section 3).
 *
 *     0x00 header | 0x08 maker, product, serial number, date | 0x12 version 1.4 | 0x14 size, gamma
 *     0x19 chromaticity | 0x23 timings by bits | 0x26 timings by size and rate
 *     0x36 four descriptors of 18 bytes | 0x7e blocks that follow | 0x7f makes the sum zero
 */

const blockBytes = 128;
const textBytes = 13;

/** Three letters of five bits each, A as 1. */
const maker = [...'RFV'].reduce((sum, letter) => (sum << 5) | (letter.charCodeAt(0) & 0x1f), 0);

/** 1024x768 at 60 Hz, 65 MHz, 325 mm by 203 mm (VESA DMT 10h): what is preferred. */
const timing: readonly number[] = [
  0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18, 0x88, 0x36, 0x00, 0x45, 0xcb, 0x10, 0x00,
  0x00, 0x18,
];
/** 50 to 125 Hz, 30 to 160 kHz, 2.55 GHz at most. */
const range: readonly number[] = [
  0, 0, 0, 0xfd, 0, 0x32, 0x7d, 0x1e, 0xa0, 0xff, 0x01, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
];
const unused: readonly number[] = [0, 0, 0, 0x10, ...Array.from({ length: 14 }, () => 0)];

/** A descriptor that names the display. */
function nameDescriptor(name: string): number[] {
  const text = `${name}\n`.padEnd(textBytes).slice(0, textBytes);
  return [0, 0, 0, 0xfc, 0, ...Array.from(text, (character) => character.charCodeAt(0))];
}

/** Returns the 128 bytes that the display has about itself. */
export function edidBlock(): Uint8Array {
  const bytes = new Uint8Array(blockBytes);
  bytes.set([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]);
  bytes.set([maker >> 8, maker & 0xff, 0x01, 0x00, 0, 0, 0, 0, 0, 2026 - 1990, 1, 4], 0x08);
  // Digital with 8 bits of a colour, 32 by 20 cm, gamma 2.2, sRGB, the first timing preferred.
  bytes.set([0xa5, 0x20, 0x14, 0x78, 0x06], 0x14);
  bytes.set([0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54], 0x19);
  // 640x480, 800x600 and 1024x768 at 60 Hz.
  bytes.set([0x21, 0x08, 0x00], 0x23);
  // 1280x1024, 1600x1200, 1280x800, 1440x900, 1680x1050, 1920x1200 at 60 Hz, and two of none.
  bytes.set(
    [0x81, 0x80, 0xa9, 0x40, 0x81, 0x00, 0x95, 0x00, 0xb3, 0x00, 0xd1, 0x00, 1, 1, 1, 1],
    0x26,
  );
  bytes.set([...timing, ...range, ...nameDescriptor('Ringfence'), ...unused], 0x36);
  bytes[blockBytes - 1] = -bytes.reduce((sum, byte) => sum + byte, 0);
  return bytes;
}
