import type { Keyboard } from '@ringfence/machine';

/** What terminals send for keys without a character (xterm, "Control Sequences", PC-style keys). */
const SEQUENCES: Readonly<Record<string, string>> = {
  '[A': 'ArrowUp',
  '[B': 'ArrowDown',
  '[C': 'ArrowRight',
  '[D': 'ArrowLeft',
  OA: 'ArrowUp',
  OB: 'ArrowDown',
  OC: 'ArrowRight',
  OD: 'ArrowLeft',
  '[H': 'Home',
  '[F': 'End',
  '[1~': 'Home',
  '[2~': 'Insert',
  '[3~': 'Delete',
  '[4~': 'End',
  '[5~': 'PageUp',
  '[6~': 'PageDown',
  OP: 'F1',
  OQ: 'F2',
  OR: 'F3',
  OS: 'F4',
  '[15~': 'F5',
  '[17~': 'F6',
  '[18~': 'F7',
  '[19~': 'F8',
  '[20~': 'F9',
  '[21~': 'F10',
  '[23~': 'F11',
  '[24~': 'F12',
};

/** Control characters that are keys of their own, and no letter with Control. */
const KEYS = '\b\t\n\r\u001b\u007f';
const ESCAPE = '\u001b';

/**
 * Turns what a terminal sends into keys of a keyboard. A chunk is what one key press gave: an
 * escape sequence, or text.
 */
export function typeFromTerminal(bytes: Uint8Array, keyboard: Keyboard): void {
  const text = new TextDecoder().decode(bytes);
  const code = text.startsWith(ESCAPE) ? SEQUENCES[text.slice(1)] : undefined;
  if (code !== undefined) {
    keyboard.press(code);
    keyboard.release(code);
  } else if (text.length === 2 && text.startsWith(ESCAPE)) {
    withKey('AltLeft', keyboard, () => keyboard.type(text.slice(1)));
  } else {
    for (const character of text) typeCharacter(character, keyboard);
  }
}

function typeCharacter(character: string, keyboard: Keyboard): void {
  if (character >= ' ' || KEYS.includes(character)) {
    keyboard.type(character === '\u007f' ? '\b' : character);
    return;
  }
  const letter = String.fromCharCode(character.charCodeAt(0) + 0x60);
  withKey('ControlLeft', keyboard, () => keyboard.type(letter));
}

function withKey(code: string, keyboard: Keyboard, type: () => void): void {
  keyboard.press(code);
  type();
  keyboard.release(code);
}
