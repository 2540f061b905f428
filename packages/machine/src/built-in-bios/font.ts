/**
 * The font of the built-in BIOS: code page 437 in cells of 8 by 8, 8 by 14 and 8 by 16 dots.
 *
 * Letters are shapes of five columns whose dots are made two wide, and about two high in the larger
 * cells; frames and blocks fill their cells and are computed.
 */
import { asciiShapes, markedLetters, symbolShapes } from './font-shapes.ts';

/** The heights of characters that there are fonts for. */
export type FontHeight = 8 | 14 | 16;

const characters = 256;
const columns = 5;
/** A dotless i, on which marks stand. */
const dotlessI = '00447C4000';

/** Marks over letters: dots of the top two of eight rows, or below the base line. */
const marks: Readonly<Record<string, string>> = {
  acute: '0000020100',
  grave: '0001020000',
  circumflex: '0002010200',
  diaeresis: '0001000100',
  ring: '0001020100',
  tilde: '0002010201',
  cedilla: '0000800000',
};

/**
 * The frames, by the lines that leave the middle of a cell: left, right, up, down, each 0 none,
 * 1 single, 2 double.
 */
const frames = [
  [0xb3, '0011'],
  [0xb4, '1011'],
  [0xb5, '2011'],
  [0xb6, '1022'],
  [0xb7, '1002'],
  [0xb8, '2001'],
  [0xb9, '2022'],
  [0xba, '0022'],
  [0xbb, '2002'],
  [0xbc, '2020'],
  [0xbd, '1020'],
  [0xbe, '2010'],
  [0xbf, '1001'],
  [0xc0, '0110'],
  [0xc1, '1110'],
  [0xc2, '1101'],
  [0xc3, '0111'],
  [0xc4, '1100'],
  [0xc5, '1111'],
  [0xc6, '0211'],
  [0xc7, '0122'],
  [0xc8, '0220'],
  [0xc9, '0202'],
  [0xca, '2220'],
  [0xcb, '2202'],
  [0xcc, '0222'],
  [0xcd, '2200'],
  [0xce, '2222'],
  [0xcf, '2210'],
  [0xd0, '1120'],
  [0xd1, '2201'],
  [0xd2, '1102'],
  [0xd3, '0120'],
  [0xd4, '0210'],
  [0xd5, '0201'],
  [0xd6, '0102'],
  [0xd7, '1122'],
  [0xd8, '2211'],
  [0xd9, '1010'],
  [0xda, '0101'],
] as const;

/** Blocks and shades: whether a dot of a cell of 8 by `height` is set. */
const blocks: readonly (readonly [
  code: number,
  dot: (x: number, y: number, height: number) => boolean,
])[] = [
  [0xb0, (x, y) => (x + 2 * (y & 1)) % 4 === 0],
  [0xb1, (x, y) => ((x + y) & 1) === 0],
  [0xb2, (x, y) => (x + 2 * (y & 1)) % 4 !== 0],
  [0xdb, () => true],
  [0xdc, (_x, y, height) => 2 * y >= height],
  [0xdd, (x) => x < 4],
  [0xde, (x) => x >= 4],
  [0xdf, (_x, y, height) => 2 * y < height],
];

/** Returns a font of 256 characters of `height` bytes, a row each, the leftmost dot in bit 7. */
export function buildFont(height: FontHeight): Uint8Array {
  const font = new Uint8Array(characters * height);
  const put = (code: number, rows: readonly number[]): void => {
    font.set(rows, code * height);
  };
  const shapes = asciiShapes.trim().split(/\s+/);
  const letter = (character: string): string => shapes[character.charCodeAt(0) - 32] ?? dotlessI;
  for (const [index, shape] of shapes.entries()) {
    put(index + 32, letterRows(shape, height));
  }
  for (const [code, shape] of symbolShapes) {
    put(code, letterRows(shape, height));
  }
  for (const [code, base, mark] of markedLetters) {
    const shape = base === 'dotless' ? dotlessI : letter(base);
    put(code, letterRows(withMark(shape, marks[mark] ?? '', base), height));
  }
  for (const [code, lines] of frames) {
    put(code, frameRows(lines, height));
  }
  for (const [code, dot] of blocks) {
    put(
      code,
      dotRows(height, (x, y) => dot(x, y, height)),
    );
  }
  return font;
}

/** Puts a mark on a letter; a capital is lowered to make room. */
function withMark(shape: string, mark: string, letter: string): string {
  const isCapital = letter.length === 1 && letter >= 'A' && letter <= 'Z';
  const isAbove = !mark.includes('8');
  let result = '';
  for (let column = 0; column < columns; column += 1) {
    const bits = columnOf(shape, column);
    // Six rows are enough for a capital: its upper half moves down by one and covers the next.
    const lowered = isCapital && isAbove ? (((bits & 0x0f) << 2) & 0x3c) | (bits & 0x70) : bits;
    result += (lowered | columnOf(mark, column)).toString(16).padStart(2, '0');
  }
  return result;
}

function columnOf(shape: string, column: number): number {
  return parseInt(shape.slice(2 * column, 2 * column + 2), 16) || 0;
}

/** Returns the rows of a shape: columns 1 to 6 of the cell, each dot two wide. */
function letterRows(shape: string, height: FontHeight): number[] {
  return Array.from({ length: height }, (_, y) => {
    const row = Math.floor((y * 8) / height);
    let bits = 0;
    for (let column = 0; column < columns; column += 1) {
      bits |= ((columnOf(shape, column) >> row) & 1) << (6 - column);
    }
    return (bits | (bits >> 1)) & 0xff;
  });
}

/**
 * Draws a frame as bands, two dots wide or four with two hollow ones between; a hollow ends at a
 * single line that it meets, and at the far side of a double one.
 */
function frameRows(lines: string, height: FontHeight): number[] {
  const [left = 0, right = 0, up = 0, down = 0] = Array.from(lines, Number);
  const middle = height >> 1;
  const across = Math.max(left, right);
  const along = Math.max(up, down);
  const [top, bottom] = across === 2 ? [middle - 2, middle + 1] : [middle - 1, middle - 1];
  const [first, last] = along === 2 ? [2, 5] : [3, 4];
  const [near, far] = along === 0 ? [-1, 8] : along === 2 ? [first, last] : [last, first];
  const [high, low] = across === 0 ? [-1, height] : across === 2 ? [top, bottom] : [bottom, top];
  return dotRows(height, (x, y) => {
    const inLeft = left > 0 && x <= last;
    const inRight = right > 0 && x >= first;
    const inUp = up > 0 && y <= bottom;
    const inDown = down > 0 && y >= top;
    const isBand =
      (y >= top && y <= bottom && (inLeft || inRight)) ||
      (x >= first && x <= last && (inUp || inDown));
    const hollowAcross =
      across === 2 && y > top && y < bottom && ((left > 0 && x < far) || (right > 0 && x > near));
    const hollowAlong =
      along === 2 && x > first && x < last && ((up > 0 && y < low) || (down > 0 && y > high));
    return isBand && !hollowAcross && !hollowAlong;
  });
}

function dotRows(height: number, dot: (x: number, y: number) => boolean): number[] {
  return Array.from({ length: height }, (_, y) => {
    let bits = 0;
    for (let x = 0; x < 8; x += 1) {
      bits |= dot(x, y) ? 0x80 >> x : 0;
    }
    return bits;
  });
}
