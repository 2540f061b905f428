/**
 * The modes of a VGA: what its registers hold in each (IBM PS/2 Hardware Interface Technical
 * Reference, "Video Subsystem", register tables).
 */

/** How pixels or characters stand in memory. */
export type VideoLayout = 'text' | 'cga' | 'planar' | 'bytes';

/** A mode of the BIOS. */
export interface VideoMode {
  readonly layout: VideoLayout;
  readonly columns: number;
  readonly rows: number;
  /** Lines of a character. */
  readonly characterHeight: number;
  /** Bits of a pixel of CGA modes. */
  readonly bits?: 1 | 2;
  /** Segment of the memory. */
  readonly segment: number;
  /** Bytes of a page, as the data area has them. */
  readonly pageBytes: number;
  /** Which colours the palette has. */
  readonly palette: 'text' | 'cga' | 'mono' | '256';
  readonly misc: number;
  /** Sequencer registers 1 to 4. */
  readonly sequencer: string;
  readonly crtc: string;
  readonly graphics: string;
  readonly attribute: string;
}

const gfx = {
  text: '00 00 00 00 00 10 0e 00 ff',
  mono: '00 00 00 00 00 10 0a 00 ff',
  cga4: '00 00 00 00 00 30 0f 0f ff',
  cga2: '00 00 00 00 00 00 0d 0f ff',
  planar: '00 00 00 00 00 00 05 0f ff',
  bytes: '00 00 00 00 00 40 05 0f ff',
} as const;

const attributes = {
  text: '00 01 02 03 04 05 14 07 38 39 3a 3b 3c 3d 3e 3f 0c 00 0f 08 00',
  text350: '00 01 02 03 04 05 14 07 38 39 3a 3b 3c 3d 3e 3f 08 00 0f 00 00',
  text200: '00 01 02 03 04 05 06 07 10 11 12 13 14 15 16 17 08 00 0f 00 00',
  mono: '00 08 08 08 08 08 08 08 10 18 18 18 18 18 18 18 0e 00 0f 08 00',
  cga4: '00 13 15 17 02 04 06 07 10 11 12 13 14 15 16 17 01 00 03 00 00',
  cga2: '00 17 17 17 17 17 17 17 17 17 17 17 17 17 17 17 01 00 01 00 00',
  low16: '00 01 02 03 04 05 06 07 10 11 12 13 14 15 16 17 01 00 0f 00 00',
  high16: '00 01 02 03 04 05 14 07 38 39 3a 3b 3c 3d 3e 3f 01 00 0f 00 00',
  monoGraphics: '00 08 00 00 18 18 00 00 00 08 00 00 00 18 00 00 0b 00 05 00 00',
  two: '00 3f 00 3f 00 3f 00 3f 00 3f 00 3f 00 3f 00 3f 01 00 0f 00 00',
  bytes: '00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 41 00 0f 00 00',
} as const;

const narrow = '2d 27 28 90 2b';
const wide = '5f 4f 50 82';
const lines400 = '9c 8e 8f';

const text40 = {
  layout: 'text',
  columns: 40,
  rows: 25,
  characterHeight: 16,
  segment: 0xb800,
  pageBytes: 0x800,
  palette: 'text',
  misc: 0x67,
  sequencer: '08 03 00 02',
  crtc: `${narrow} a0 bf 1f 00 4f 0d 0e 00 00 00 00 ${lines400} 14 1f 96 b9 a3 ff`,
  graphics: gfx.text,
  attribute: attributes.text,
} as const;

const text80 = {
  ...text40,
  columns: 80,
  pageBytes: 0x1000,
  sequencer: '00 03 00 02',
  crtc: `${wide} 55 81 bf 1f 00 4f 0d 0e 00 00 00 00 ${lines400} 28 1f 96 b9 a3 ff`,
} as const;

const cga4 = {
  layout: 'cga',
  bits: 2,
  columns: 40,
  rows: 25,
  characterHeight: 8,
  segment: 0xb800,
  pageBytes: 0x4000,
  palette: 'cga',
  misc: 0x63,
  sequencer: '09 03 00 02',
  crtc: `${narrow} 80 bf 1f 00 c1 00 00 00 00 00 00 ${lines400} 14 00 96 b9 a2 ff`,
  graphics: gfx.cga4,
  attribute: attributes.cga4,
} as const;

const planar350 = `${wide} 54 80 bf 1f 00 40 00 00 00 00 00 00 83 85 5d 28 0f 63 ba e3 ff`;
const lines480 = '54 80 0b 3e 00 40 00 00 00 00 00 00 ea 8c df 28 00 e7 04';

const planarLow = {
  layout: 'planar',
  columns: 40,
  rows: 25,
  characterHeight: 8,
  segment: 0xa000,
  pageBytes: 0x2000,
  palette: 'cga',
  misc: 0x63,
  sequencer: '09 0f 00 06',
  crtc: `${narrow} 80 bf 1f 00 c0 00 00 00 00 00 00 ${lines400} 14 00 96 b9 e3 ff`,
  graphics: gfx.planar,
  attribute: attributes.low16,
} as const;

const planarHigh = {
  ...planarLow,
  columns: 80,
  rows: 30,
  characterHeight: 16,
  pageBytes: 0xa000,
  palette: 'text',
  misc: 0xe3,
  sequencer: '01 0f 00 06',
  crtc: `${wide} ${lines480} e3 ff`,
  attribute: attributes.high16,
} as const;

/** The modes by their numbers. */
export const videoModes: ReadonlyMap<number, VideoMode> = new Map<number, VideoMode>([
  [0x00, text40],
  [0x01, text40],
  [0x02, text80],
  [0x03, text80],
  [0x04, cga4],
  [0x05, cga4],
  [
    0x06,
    {
      ...cga4,
      bits: 1,
      columns: 80,
      sequencer: '01 01 00 06',
      crtc: `${wide} 54 80 bf 1f 00 c1 00 00 00 00 00 00 ${lines400} 28 00 96 b9 c2 ff`,
      graphics: gfx.cga2,
      attribute: attributes.cga2,
    },
  ],
  [
    0x07,
    {
      ...text80,
      segment: 0xb000,
      palette: 'mono',
      misc: 0x66,
      crtc: `${wide} 55 81 bf 1f 00 4f 0d 0e 00 00 00 00 ${lines400} 28 0f 96 b9 a3 ff`,
      graphics: gfx.mono,
      attribute: attributes.mono,
    },
  ],
  [0x0d, planarLow],
  [
    0x0e,
    {
      ...planarLow,
      columns: 80,
      pageBytes: 0x4000,
      sequencer: '01 0f 00 06',
      crtc: `${wide} 54 80 bf 1f 00 c0 00 00 00 00 00 00 ${lines400} 28 00 96 b9 e3 ff`,
    },
  ],
  [
    0x0f,
    {
      ...planarHigh,
      rows: 25,
      characterHeight: 14,
      pageBytes: 0x8000,
      palette: 'mono',
      misc: 0xa2,
      crtc: planar350,
      attribute: attributes.monoGraphics,
    },
  ],
  [
    0x10,
    {
      ...planarHigh,
      rows: 25,
      characterHeight: 14,
      pageBytes: 0x8000,
      misc: 0xa3,
      crtc: planar350,
    },
  ],
  [0x11, { ...planarHigh, crtc: `${wide} ${lines480} c3 ff`, attribute: attributes.two }],
  [0x12, planarHigh],
  [
    0x13,
    {
      ...planarLow,
      layout: 'bytes',
      pageBytes: 0x2000,
      palette: '256',
      sequencer: '01 0f 00 0e',
      crtc: `${wide} 54 80 bf 1f 00 41 00 00 00 00 00 00 ${lines400} 28 40 96 b9 a3 ff`,
      graphics: gfx.bytes,
      attribute: attributes.bytes,
    },
  ],
]);

/**
 * Returns what the registers of a text mode hold with another number of lines, those of a CGA and
 * an EGA: the mode itself for 400 lines, and for graphics.
 */
export function withLines(mode: VideoMode, lines: number): VideoMode {
  if (mode.layout !== 'text' || (lines !== 350 && lines !== 200)) {
    return mode;
  }
  const isNarrow = mode.columns === 40;
  const horizontal = `${isNarrow ? `${narrow} a0` : `${wide} 55`} 81 bf 1f 00`;
  const offset = isNarrow ? '14' : '28';
  const eightDots = isNarrow ? '09 03 00 02' : '01 03 00 02';
  if (mode.palette === 'mono') {
    // Its characters are 9 dots wide, and it has no 200 lines.
    const crtc = `${horizontal} 4d 0b 0c 00 00 00 00 83 85 5d ${offset} 0d 63 ba a3 ff`;
    return { ...mode, characterHeight: 14, misc: 0xa6, crtc };
  }
  return lines === 350
    ? {
        ...mode,
        characterHeight: 14,
        misc: 0xa3,
        sequencer: eightDots,
        crtc: `${horizontal} 4d 0b 0c 00 00 00 00 83 85 5d ${offset} 1f 63 ba a3 ff`,
        attribute: attributes.text350,
      }
    : {
        ...mode,
        characterHeight: 8,
        misc: 0x63,
        palette: 'cga',
        sequencer: eightDots,
        crtc: `${horizontal} c7 06 07 00 00 00 00 ${lines400} ${offset} 1f 96 b9 a3 ff`,
        attribute: attributes.text200,
      };
}

/** Returns the bytes of a list of registers. */
export function registerBytes(list: string): number[] {
  return list.split(' ').map((byte) => parseInt(byte, 16));
}

/** Returns the palette of a mode: red, green and blue of 6 bits for each entry. */
export function paletteBytes(kind: VideoMode['palette']): number[] {
  switch (kind) {
    case 'text':
      return Array.from({ length: 64 }, (_, entry) => sixBitColour(entry)).flat();
    case 'mono':
      return Array.from({ length: 64 }, (_, entry) => {
        const grey = (entry & 0x18) === 0x18 ? 0x3f : (entry & 0x18) === 0 ? 0 : 0x2a;
        return [grey, grey, grey];
      }).flat();
    case 'cga':
      return Array.from({ length: 64 }, (_, entry) =>
        cgaColour((entry & 7) | ((entry & 0x10) >> 1)),
      ).flat();
    case '256':
      return palette256();
  }
}

/** A colour of six bits, r g b R G B from the top. */
function sixBitColour(entry: number): number[] {
  return [2, 1, 0].map((bit) => ((entry >> bit) & 1) * 0x2a + ((entry >> (bit + 3)) & 1) * 0x15);
}

/** One of the sixteen colours of a CGA: dark yellow is brown. */
function cgaColour(colour: number): number[] {
  const dim = (colour & 8) !== 0 ? 0x15 : 0;
  const [red = 0, green = 0, blue = 0] = [4, 2, 1].map((bit) =>
    (colour & bit) !== 0 ? 0x2a + dim : dim,
  );
  return colour === 6 ? [red, 0x15, blue] : [red, green, blue];
}

const greys = [0, 5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 45, 50, 56, 63];
/** Five steps of a component, for three intensities of three saturations each. */
const steps = [
  [0x00, 0x10, 0x1f, 0x2f, 0x3f],
  [0x1f, 0x27, 0x2f, 0x37, 0x3f],
  [0x2d, 0x31, 0x36, 0x3a, 0x3f],
  [0x00, 0x07, 0x0e, 0x15, 0x1c],
  [0x0e, 0x11, 0x15, 0x18, 0x1c],
  [0x14, 0x16, 0x18, 0x1a, 0x1c],
  [0x00, 0x04, 0x08, 0x0c, 0x10],
  [0x08, 0x0a, 0x0c, 0x0e, 0x10],
  [0x0b, 0x0c, 0x0d, 0x0f, 0x10],
];

/** Sixteen colours, sixteen greys, nine circles of 24 hues from blue over red and green, black. */
function palette256(): number[] {
  const colours = Array.from({ length: 16 }, (_, colour) => cgaColour(colour)).flat();
  const hues = steps.flatMap((row) =>
    Array.from({ length: 24 }, (_, hue) =>
      // Each component rises for four steps, stays for eight, falls for four.
      [8, 16, 0].map((top) => row[circleStep(hue, top)] ?? 0),
    ).flat(),
  );
  const blacks = Array.from({ length: 24 }, () => 0);
  return [...colours, ...greys.flatMap((grey) => [grey, grey, grey]), ...hues, ...blacks];
}

/** How strong a component is at a hue, 0 to 4, if it is strongest around `top`. */
function circleStep(hue: number, top: number): number {
  const distance = Math.min((hue - top + 24) % 24, (top - hue + 24) % 24);
  return Math.max(0, Math.min(4, 8 - distance));
}
