/**
 * The register layout of the VGA (IBM PS/2 Hardware Interface Technical Reference, "Video
 * Subsystem").
 *
 *     port       read                     write
 *     0x3c0      attribute index          attribute index and data in turn
 *     0x3c1      attribute data
 *     0x3c2      input status 0           miscellaneous output
 *     0x3c3      video subsystem enable   same
 *     0x3c4/5    sequencer index, data    same
 *     0x3c6      palette mask             same
 *     0x3c7      palette state            palette read index
 *     0x3c8/9    palette write index, data (red, green, blue in turn)
 *     0x3ca      feature control
 *     0x3cc      miscellaneous output
 *     0x3ce/f    graphics index, data     same
 *     0x3d4/5    CRTC index, data         same
 *     0x3da      input status 1           feature control
 *
 *     0x1ce      VBE index (Bochs)        same
 *     0x1cf      VBE data (Bochs)         same
 *
 * 0x3d4, 0x3d5 and 0x3da stand 0x20 lower while bit 0 of miscellaneous output is clear.
 *
 *     input status 1  3 vertical retrace | 0 not displaying
 */

/** Ports, the CRTC's in colour. */
export const vgaPort = {
  attribute: 0x3c0,
  attributeData: 0x3c1,
  miscWrite: 0x3c2,
  enable: 0x3c3,
  sequencerIndex: 0x3c4,
  sequencerData: 0x3c5,
  paletteMask: 0x3c6,
  paletteRead: 0x3c7,
  paletteWrite: 0x3c8,
  paletteData: 0x3c9,
  featureRead: 0x3ca,
  miscRead: 0x3cc,
  graphicsIndex: 0x3ce,
  graphicsData: 0x3cf,
  crtcIndex: 0x3d4,
  crtcData: 0x3d5,
  status1: 0x3da,
  vbeIndex: 0x1ce,
  vbeData: 0x1cf,
  /** The data port again, where programs with aligned ports look for it. */
  vbeDataAligned: 0x1d0,
} as const;

/** What is subtracted from the CRTC's ports and input status 1 in monochrome. */
export const monochromeOffset = 0x20;

/** Miscellaneous output bits. */
export const misc = { colour: 0x01, memory: 0x02, clock: 0x0c } as const;

/** The indices of sequencer registers. */
export const sequencer = { clocking: 1, mapMask: 2, characterMap: 3, memoryMode: 4 } as const;
/** Sequencer clocking mode: the screen is off. */
export const clockingScreenOff = 0x20;
/** Sequencer clocking mode: characters are 8 dots wide, not 9. */
export const clocking8Dots = 0x01;
/** Sequencer clocking mode: the dot clock is halved. */
export const clockingHalved = 0x08;
/** Sequencer memory mode: addresses are not split into odd and even planes. */
export const memorySequential = 0x04;
/** Sequencer memory mode: the low two address bits select the plane. */
export const memoryChain4 = 0x08;

/** Graphics controller registers. */
export const graphics = {
  setReset: 0,
  enableSetReset: 1,
  colourCompare: 2,
  rotate: 3,
  readMap: 4,
  mode: 5,
  misc: 6,
  colourCare: 7,
  bitMask: 8,
} as const;
/** Graphics mode: reads compare colours. */
export const readCompare = 0x08;
/** Graphics mode: the shift registers, planar, interleaved as in CGA modes, or 256 colours. */
export const shiftMode = { mask: 0x60, interleaved: 0x20, colours256: 0x40 } as const;
/** Graphics miscellaneous: graphics rather than text. */
export const graphicsMode = 0x01;

/** The indices of CRTC registers. */
export const crtc = {
  horizontalTotal: 0x00,
  horizontalDisplayEnd: 0x01,
  verticalTotal: 0x06,
  overflow: 0x07,
  presetRowScan: 0x08,
  maximumScanLine: 0x09,
  cursorStart: 0x0a,
  cursorEnd: 0x0b,
  startHigh: 0x0c,
  startLow: 0x0d,
  cursorHigh: 0x0e,
  cursorLow: 0x0f,
  retraceStart: 0x10,
  retraceEnd: 0x11,
  verticalDisplayEnd: 0x12,
  offset: 0x13,
  underline: 0x14,
  mode: 0x17,
  lineCompare: 0x18,
} as const;
/** CRTC underline location: addresses count doublewords. */
export const addressDoubleword = 0x40;
/** CRTC mode control: bits that leave address bits 13 and 14 alone, and bytes rather than words. */
export const crtcMode = { keep13: 0x01, keep14: 0x02, bytes: 0x40 } as const;
/** CRTC maximum scan line: bit 9 of the line compare register. */
export const lineCompare9 = 0x40;
/** CRTC overflow: bit 8 of the line compare register. */
export const lineCompare8 = 0x10;
/** CRTC retrace end: registers 0 to 7 cannot be written. */
export const crtcProtect = 0x80;
/** CRTC overflow: the one bit that protection leaves writable. */
export const overflowUnprotected = 0x10;
/** CRTC maximum scan line: every line is shown twice. */
export const doubleScan = 0x80;
/** CRTC cursor start: no cursor. */
export const cursorOff = 0x20;

/** Input status 1 bits. */
export const status1 = { blank: 0x01, retrace: 0x08 } as const;

/** Indices of attribute registers after the sixteen of the palette. */
export const attribute = { mode: 0x10, planes: 0x12, panning: 0x13, colourSelect: 0x14 } as const;
/** Attribute mode control bits. */
export const attributeMode = {
  lineGraphics: 0x04,
  blink: 0x08,
  panTop: 0x20,
  colours256: 0x40,
  selectReplaces: 0x80,
} as const;

/** Attribute index: the display is on, and the palette belongs to it. */
export const attributeDisplayOn = 0x20;

/** Dot clocks by bits 3..2 of miscellaneous output; the last two are not fitted. */
export const dotClocks: readonly number[] = [25_175_000, 28_322_000, 25_175_000, 25_175_000];

/** How many registers each part has. */
export const registerCount = { sequencer: 5, graphics: 9, crtc: 25, attribute: 21 } as const;

/** Memory windows by bits 3..2 of graphics miscellaneous: base and size. */
export const memoryWindows: readonly (readonly [base: number, size: number])[] = [
  [0xa_0000, 0x2_0000],
  [0xa_0000, 0x1_0000],
  [0xb_0000, 0x8000],
  [0xb_8000, 0x8000],
];

/** The registers of mode 3, 80 by 25 cells of 9 by 16 dots (same reference, "Video Modes"). */
export const mode3 = {
  misc: 0x67,
  sequencer: [0x03, 0x00, 0x03, 0x00, 0x02],
  graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff],
  crtc: [
    0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00,
    0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
  ],
  attribute: [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
    0x0c, 0x00, 0x0f, 0x08, 0x00,
  ],
} as const;
