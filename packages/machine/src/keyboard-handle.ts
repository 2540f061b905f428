import type { Keyboard } from './api.ts';

/** A keyboard device: takes keys by the names of the W3C's UI Events code values. */
export interface KeyReceiver {
  /** Presses or releases a key; false when there is no room for it. */
  key(code: string, pressed: boolean): boolean;
  /** How many bytes of keys the guest has not taken yet. */
  readonly waitingKeys: number;
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

/** Room that is left over in the guest's buffer, for a key that the guest is just taking. */
const spareRoom = 1;

/**
 * The keyboard, seen from outside the machine: text becomes keys, which wait for room in the
 * device, and where the guest's BIOS keeps keys for whoever reads them, for room there.
 */
export class KeyboardHandle implements Keyboard {
  readonly #device: KeyReceiver;
  readonly #wake: () => void;
  readonly #guestRoom: () => number;
  #strokes: Stroke[] = [];
  /** Keys that the device has, or had when it was last seen with any. */
  #underWay = 0;

  /**
   * Makes a handle; `wake` is called when keys arrive, `guestRoom` says how many more keys the
   * guest can keep.
   */
  constructor(device: KeyReceiver, wake: () => void, guestRoom: () => number = () => Infinity) {
    this.#device = device;
    this.#wake = wake;
    this.#guestRoom = guestRoom;
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

  /**
   * Gives a key to the device, whether the guest will keep it or not, or puts it behind those that
   * wait; past the limit it is lost, as on a keyboard.
   */
  #add(stroke: Stroke): void {
    const isTaken = !this.waits && this.#device.key(stroke.code, stroke.pressed);
    if (!isTaken && this.#strokes.length < maximumTyped * strokesPerCharacter) {
      this.#strokes.push(stroke);
    }
    this.#wake();
  }

  /** Gives waiting keys to the device, as far as there is room. */
  pump(): void {
    if (!this.waits) {
      return;
    }
    if (this.#device.waitingKeys === 0) {
      this.#underWay = 0;
    }
    const room = this.#guestRoom() - spareRoom;
    let taken = 0;
    for (const { code, pressed } of this.#strokes) {
      if ((pressed && this.#underWay >= room) || !this.#device.key(code, pressed)) {
        break;
      }
      this.#underWay += pressed ? 1 : 0;
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
