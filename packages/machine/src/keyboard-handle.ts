import type { Keyboard } from './api.ts';

/** A keyboard device: takes keys by the names of the W3C's UI Events code values. */
export interface KeyReceiver {
  /** Presses or releases a key; false when there is no room for it. */
  key(code: string, pressed: boolean): boolean;
}

/** The most characters that wait to be typed. */
export const maximumTyped = 0x1_0000;

/** Keys of the US layout: their code, what they type, what they type with shift. */
const symbolKeys: readonly (readonly [code: string, plain: string, shifted: string])[] = [
  ['Backquote', '`', '~'],
  ['Digit1', '1', '!'],
  ['Digit2', '2', '@'],
  ['Digit3', '3', '#'],
  ['Digit4', '4', '$'],
  ['Digit5', '5', '%'],
  ['Digit6', '6', '^'],
  ['Digit7', '7', '&'],
  ['Digit8', '8', '*'],
  ['Digit9', '9', '('],
  ['Digit0', '0', ')'],
  ['Minus', '-', '_'],
  ['Equal', '=', '+'],
  ['BracketLeft', '[', '{'],
  ['BracketRight', ']', '}'],
  ['Backslash', '\\', '|'],
  ['Semicolon', ';', ':'],
  ['Quote', "'", '"'],
  ['Comma', ',', '<'],
  ['Period', '.', '>'],
  ['Slash', '/', '?'],
  ['Space', ' ', ' '],
  ['Enter', '\n', '\r'],
  ['Tab', '\t', '\t'],
  ['Backspace', '\b', '\u007f'],
  ['Escape', '\u001b', '\u001b'],
];

/** A key press or release that waits for room. */
interface Stroke {
  readonly code: string;
  readonly pressed: boolean;
}

/**
 * The keyboard, seen from outside the machine: text becomes keys, which wait for room in the
 * device.
 */
export class KeyboardHandle implements Keyboard {
  readonly #device: KeyReceiver;
  readonly #wake: () => void;
  #strokes: Stroke[] = [];

  /** Makes a handle; `wake` is called when keys arrive. */
  constructor(device: KeyReceiver, wake: () => void) {
    this.#device = device;
    this.#wake = wake;
  }

  type(text: string): void {
    for (const character of text.slice(0, maximumTyped)) {
      this.#strokes.push(...strokesOf(character));
    }
    this.#strokes.length = Math.min(this.#strokes.length, maximumTyped * strokesPerCharacter);
    this.pump();
    this.#wake();
  }

  press(code: string): void {
    this.#add({ code, pressed: true });
  }

  release(code: string): void {
    this.#add({ code, pressed: false });
  }

  /** Whether keys wait for room in the device. */
  get waits(): boolean {
    return this.#strokes.length > 0;
  }

  /** Copies of the keys that wait, for snapshots. */
  get waitingStrokes(): Stroke[] {
    return this.#strokes.map((stroke) => ({ ...stroke }));
  }

  /** Takes over the keys that waited when a snapshot was taken. */
  restoreStrokes(strokes: readonly Stroke[]): void {
    this.#strokes = [...strokes];
  }

  /** Puts a key behind those that wait; past the limit it is lost, as on a keyboard. */
  #add(stroke: Stroke): void {
    if (this.#strokes.length < maximumTyped * strokesPerCharacter) {
      this.#strokes.push(stroke);
    }
    this.pump();
    this.#wake();
  }

  /** Gives waiting keys to the device, as far as it has room. */
  pump(): void {
    let taken = 0;
    for (const { code, pressed } of this.#strokes) {
      if (!this.#device.key(code, pressed)) {
        break;
      }
      taken += 1;
    }
    this.#strokes.splice(0, taken);
  }
}

const strokesPerCharacter = 4;

/** Returns the keys that type a character on a US keyboard; none for a character that it lacks. */
function strokesOf(character: string): readonly Stroke[] {
  const letter = /^[a-zA-Z]$/.test(character);
  const row = symbolKeys.find(([, plain, shifted]) => plain === character || shifted === character);
  const code = letter ? `Key${character.toUpperCase()}` : row?.[0];
  if (code === undefined) {
    return [];
  }
  const isControl = character < ' ' || character === '\u007f';
  const shifts = letter ? character < 'a' : !isControl && row?.[1] !== character;
  const strokes = [
    { code, pressed: true },
    { code, pressed: false },
  ];
  return shifts
    ? [{ code: 'ShiftLeft', pressed: true }, ...strokes, { code: 'ShiftLeft', pressed: false }]
    : strokes;
}
