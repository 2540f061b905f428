/**
 * The table of what the registers of a VGA hold in each mode (IBM PS/2 and PC BIOS Interface,
 * "Video parameter table"): programs copy an entry and set the mode up by themselves.
 *
 *     0 columns, rows less one, lines of a character | 3 bytes of a page | 5 sequencer 1 to 4
 *     9 miscellaneous output | 10 CRTC, 25 of them | 35 attributes, 20 | 55 graphics, 9
 */
import { registerBytes, videoModes, withLines } from './video-modes.ts';

const entryBytes = 64;
const attributeCount = 20;

/** The modes of the entries by their places, with the lines of text if not 400. */
const entries: readonly (readonly [place: number, mode: number, lines?: number])[] = [
  ...[0, 1, 2, 3].map((mode) => [mode, mode, 200] as const),
  ...[4, 5, 6].map((mode) => [mode, mode] as const),
  [0x07, 0x07, 350],
  [0x0d, 0x0d],
  [0x0e, 0x0e],
  [0x11, 0x0f],
  [0x12, 0x10],
  ...[0, 1, 2, 3].map((mode) => [0x13 + mode, mode, 350] as const),
  [0x17, 0x01],
  [0x18, 0x03],
  [0x19, 0x07],
  [0x1a, 0x11],
  [0x1b, 0x12],
  [0x1c, 0x13],
];
const entryCount = 0x1d;

/** Returns the table. */
export function videoParameters(): Uint8Array {
  const table = new Uint8Array(entryCount * entryBytes);
  for (const [place, number, lines = 400] of entries) {
    const base = videoModes.get(number);
    if (base !== undefined) {
      const mode = withLines(base, lines);
      const { columns, rows, characterHeight, pageBytes } = mode;
      table.set(
        [
          ...[columns, rows - 1, characterHeight, pageBytes & 0xff, pageBytes >> 8],
          ...registerBytes(mode.sequencer),
          mode.misc,
          ...registerBytes(mode.crtc),
          ...registerBytes(mode.attribute).slice(0, attributeCount),
          ...registerBytes(mode.graphics),
        ],
        place * entryBytes,
      );
    }
  }
  return table;
}
