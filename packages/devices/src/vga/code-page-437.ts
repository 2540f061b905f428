/**
 * The character set in the ROM of a PC's display adapter (IBM PC Technical Reference, "Of
 * Characters, Keystrokes, and Colors").
 */
const upper =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»' +
  '░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
  'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';
const lower = ' ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼';

/** Characters by their code on the screen, 0 to 255; code 0 is blank. */
export const codePage437: readonly string[] = [
  ...lower,
  ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index)),
  '⌂',
  ...upper,
];
