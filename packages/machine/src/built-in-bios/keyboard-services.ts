/** INT 9 and INT 16h: the keyboard and its buffer of fifteen keys. */

import type { PortBus } from '@ringfence/devices';

import type { RequestBox } from '../requests.ts';
import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { keyRows, padKeys } from './key-table.ts';
import { Bda, Outcome } from './layout.ts';
import type { OutcomeValue } from './layout.ts';

/** Bits of the shift flags at 417h. */
const Shift = {
  right: 0x01,
  left: 0x02,
  control: 0x04,
  alternate: 0x08,
  scrollLock: 0x10,
  numLock: 0x20,
  capsLock: 0x40,
  insert: 0x80,
} as const;

/** Bits of the flags at 496h: what came before a scan code. */
const Prefix = { e0: 0x02, e1: 0x01, rightControl: 0x04, rightAlternate: 0x08 } as const;

/** Bits of the flags at 418h: the keys of the left side; locks that are held as in 417h. */
const Left = { control: 0x01, alternate: 0x02 } as const;

/** The divide key of the pad with Ctrl and Alt, and its Enter with Alt. */
const padWithOthers = { controlDivide: 0x9500, alternateDivide: 0xa400, alternateEnter: 0xa600 };

const releaseBit = 0x80;
const insertKey = 0x52;
const modifiers: Readonly<Record<number, number>> = {
  0x36: Shift.right,
  0x2a: Shift.left,
  0x1d: Shift.control,
  0x38: Shift.alternate,
};
const locks: Readonly<Record<number, number>> = {
  0x46: Shift.scrollLock,
  0x45: Shift.numLock,
  0x3a: Shift.capsLock,
};
/** How INT 16h, AX = 03xxh sets the rate of held keys, and what AH = 09h says of it. */
const Rate = { byDefault: 0x00, as: 0x05, keyboardCommand: 0xf3, defaultByte: 0x2b } as const;
const abilities = { defaultRate: 0x01, setRate: 0x04, id: 0x10, enhanced: 0x20 } as const;
const Port = { data: 0x60, status: 0x64 } as const;
const keyboardId = 0x41ab;
const dataSegment = 0x400;
const capsKeys = /^[a-z]$/i;

/** The services of the keyboard. */
export class KeyboardServices {
  readonly #memory: BiosMemory;
  readonly #requests: RequestBox;
  readonly #ports: PortBus;

  /** Makes the services of a board. */
  constructor(board: BiosBoard) {
    this.#memory = board.memory;
    this.#requests = board.requests;
    this.#ports = board.ports;
  }

  /** Takes the scan code in AL; AL returns 1 for Ctrl-Break, 2 for Print Screen, else 0. */
  scanCode(frame: BiosFrame): void {
    const code = frame.al;
    frame.al = 0;
    const memory = this.#memory;
    const prefix = memory.read8(Bda.keyFlags);
    if (code === 0xe0 || code === 0xe1) {
      memory.write8(Bda.keyFlags, prefix | (code === 0xe0 ? Prefix.e0 : Prefix.e1));
      return;
    }
    const isExtended = (prefix & Prefix.e0) !== 0;
    const isPause = (prefix & Prefix.e1) !== 0;
    const isRelease = (code & releaseBit) !== 0;
    const key = code & ~releaseBit;
    if (isRelease) {
      this.#letGo(key === insertKey ? Shift.insert : (locks[key] ?? 0));
    }
    // The second code of Pause ends its prefix.
    if (!isPause || key === 0x45) {
      memory.write8(Bda.keyFlags, prefix & ~(Prefix.e0 | Prefix.e1));
    }
    if (isPause || this.#modifier(key, isRelease, isExtended) || isRelease) {
      return;
    }
    const flags = memory.read8(Bda.shiftFlags);
    const both = Shift.control | Shift.alternate;
    if (key === 0x53 && (flags & both) === both) {
      memory.write16(Bda.resetFlag, 0x1234);
      this.#requests.ask({ kind: 'reset', cause: 'guest' });
      return;
    }
    if (key === 0x46 && (flags & Shift.control) !== 0) {
      this.#empty();
      this.#put(0);
      frame.al = 1;
      return;
    }
    if (key === 0x37 && isExtended && (flags & (Shift.control | Shift.alternate)) === 0) {
      frame.al = 2;
      return;
    }
    if (key === insertKey && (isExtended || (flags & Shift.numLock) === 0)) {
      if (!this.#turn(Shift.insert)) {
        return; // It is held: this is a repeat.
      }
    }
    this.#press(key, isExtended, flags);
  }

  /** Serves INT 16h. */
  serve(frame: BiosFrame): OutcomeValue {
    const memory = this.#memory;
    const head = memory.read16(Bda.keyHead);
    const isEmpty = head === memory.read16(Bda.keyTail);
    const isEnhanced = frame.ah >= 0x10;
    switch (frame.ah) {
      case 0x00:
      case 0x10: {
        if (isEmpty) {
          return Outcome.wait;
        }
        const value = memory.read16(dataSegment + head);
        memory.write16(Bda.keyHead, this.#after(head));
        frame.set('eax', isEnhanced ? value : plain(value));
        return Outcome.done;
      }
      case 0x01:
      case 0x11: {
        frame.zero = isEmpty;
        if (!isEmpty) {
          const value = memory.read16(dataSegment + head);
          frame.set('eax', isEnhanced ? value : plain(value));
        }
        return Outcome.done;
      }
      case 0x02:
        frame.al = memory.read8(Bda.shiftFlags);
        return Outcome.done;
      case 0x12:
        frame.set('eax', memory.read8(Bda.shiftFlags) | (this.#keysHeld() << 8));
        return Outcome.done;
      case 0x03:
        this.#setRate(frame);
        return Outcome.done;
      case 0x05:
        frame.al = this.#put(frame.get('ecx')) ? 0 : 1;
        return Outcome.done;
      case 0x09: // What AH can be: 03h, 05h, 0Ah and 10h to 12h.
        frame.al = abilities.defaultRate | abilities.setRate | abilities.id | abilities.enhanced;
        return Outcome.done;
      case 0x0a:
        frame.set('ebx', keyboardId);
        return Outcome.done;
      case 0x92: // Programs ask whether AH = 10h to 12h are there.
        frame.ah = 0x80;
        return Outcome.done;
      default:
        return Outcome.done;
    }
  }

  /** Takes note of a key that changes others; false for one that does not. */
  #modifier(key: number, isRelease: boolean, isExtended: boolean): boolean {
    const memory = this.#memory;
    const flags = memory.read8(Bda.shiftFlags);
    const bit = modifiers[key];
    if (bit !== undefined) {
      // E0 2A and E0 36 come with the grey keys and shift nothing.
      if (!isExtended || bit === Shift.control || bit === Shift.alternate) {
        memory.write8(Bda.shiftFlags, isRelease ? flags & ~bit : flags | bit);
        this.#noteSide(bit, isRelease, isExtended);
      }
      return true;
    }
    const lock = locks[key];
    if (lock === undefined || (lock === Shift.scrollLock && (flags & Shift.control) !== 0)) {
      return false;
    }
    if (!isRelease) {
      this.#turn(lock);
    }
    return true;
  }

  /** Turns the state of a lock when its key is pressed; false if the key is held already. */
  #turn(lock: number): boolean {
    const memory = this.#memory;
    const held = memory.read8(Bda.shiftFlags2);
    if ((held & lock) !== 0) {
      return false;
    }
    memory.write8(Bda.shiftFlags2, held | lock);
    memory.write8(Bda.shiftFlags, memory.read8(Bda.shiftFlags) ^ lock);
    return true;
  }

  #letGo(lock: number): void {
    const memory = this.#memory;
    memory.write8(Bda.shiftFlags2, memory.read8(Bda.shiftFlags2) & ~lock);
  }

  /** Sets when and how fast held keys repeat: BH the delay, BL the rate. */
  #setRate(frame: BiosFrame): void {
    const { al } = frame;
    if (al === Rate.as || al === Rate.byDefault) {
      const asked = frame.get('ebx');
      const byte = ((asked >> 3) & 0x60) | (asked & 0x1f);
      this.#command(Rate.keyboardCommand);
      this.#command(al === Rate.as ? byte : Rate.defaultByte);
    }
  }

  /** Sends the keyboard a byte and takes its answer, unless a key's code stands before that. */
  #command(byte: number): void {
    const ports = this.#ports;
    const isFull = (): boolean => (ports.readPort(Port.status, 1) & 1) !== 0;
    const hasKey = isFull();
    ports.writePort(Port.data, 1, byte);
    if (!hasKey && isFull()) {
      ports.readPort(Port.data, 1);
    }
  }

  /** Keeps which Ctrl and Alt is held: the left ones at 418h, the right ones at 496h. */
  #noteSide(bit: number, isRelease: boolean, isExtended: boolean): void {
    if (bit !== Shift.control && bit !== Shift.alternate) {
      return;
    }
    const place = isExtended ? Bda.keyFlags : Bda.shiftFlags2;
    const right = bit === Shift.control ? Prefix.rightControl : Prefix.rightAlternate;
    const left = bit === Shift.control ? Left.control : Left.alternate;
    const held = isExtended ? right : left;
    const before = this.#memory.read8(place);
    this.#memory.write8(place, isRelease ? before & ~held : before | held);
  }

  /** The keys that are held, as AH = 12h tells them: Ctrl and Alt of both sides, and locks. */
  #keysHeld(): number {
    const allLocks = Shift.scrollLock | Shift.numLock | Shift.capsLock;
    const left = this.#memory.read8(Bda.shiftFlags2) & (Left.control | Left.alternate | allLocks);
    const right = Prefix.rightControl | Prefix.rightAlternate;
    return left | (this.#memory.read8(Bda.keyFlags) & right);
  }

  #press(key: number, isExtended: boolean, flags: number): void {
    const row = keyRows.find(([scanCode]) => scanCode === key);
    if (row === undefined) {
      return;
    }
    const [, normal, shifted, control, alternate] = row;
    const isPad = key >= padKeys.first && key <= padKeys.last && !isExtended;
    const isLetter = capsKeys.test(String.fromCharCode(normal & 0xff));
    const byLock =
      (isPad && (flags & Shift.numLock) !== 0) || (isLetter && (flags & Shift.capsLock) !== 0);
    const isShifted = ((flags & (Shift.left | Shift.right)) !== 0) !== byLock;
    if ((flags & Shift.alternate) !== 0) {
      if (isPad && alternate < 0) {
        return;
      }
      this.#put(isExtended ? extendedWithAlternate(key, alternate) : alternate);
    } else if ((flags & Shift.control) !== 0) {
      this.#put(isExtended ? extendedWithControl(key, control) : control);
    } else if (isExtended) {
      this.#put(grey(normal, key));
    } else {
      this.#put(isShifted ? shifted : normal);
    }
  }

  /** Puts a key into the buffer; false if it is full or the key gives nothing. */
  #put(value: number): boolean {
    const memory = this.#memory;
    const tail = memory.read16(Bda.keyTail);
    const next = this.#after(tail);
    if (value < 0 || next === memory.read16(Bda.keyHead)) {
      return false;
    }
    memory.write16(dataSegment + tail, value);
    memory.write16(Bda.keyTail, next);
    return true;
  }

  #after(place: number): number {
    const memory = this.#memory;
    const next = place + 2;
    return next >= memory.read16(Bda.keyBufferEnd) ? memory.read16(Bda.keyBufferStart) : next;
  }

  #empty(): void {
    this.#memory.write16(Bda.keyTail, this.#memory.read16(Bda.keyHead));
  }
}

function extendedWithAlternate(key: number, alternate: number): number {
  if (key >= padKeys.first) {
    return (key + 0x50) << 8;
  }
  const { alternateDivide, alternateEnter } = padWithOthers;
  return key === 0x35 ? alternateDivide : key === 0x1c ? alternateEnter : alternate;
}

function extendedWithControl(key: number, control: number): number {
  if (key === 0x35) {
    return padWithOthers.controlDivide;
  }
  if (key === 0x37) {
    return 0x7200; // Print Screen.
  }
  return control >= 0 ? grey(control, key) : control;
}

/** Marks a key of the grey block, or Enter and the stroke of the pad. */
function grey(value: number, key: number): number {
  if (key === 0x1c) {
    return 0xe000 | (value & 0xff);
  }
  if (key === 0x35) {
    return 0xe02f;
  }
  return (value & 0xff) === 0 && key >= padKeys.first && key <= padKeys.last ? value | 0xe0 : value;
}

/** Returns a key as keyboards of 84 keys have it. */
function plain(value: number): number {
  if (value >> 8 === 0xe0) {
    return ((value & 0xff) === 0x2f ? 0x3500 : 0x1c00) | (value & 0xff);
  }
  return (value & 0xff) === 0xe0 && value >> 8 !== 0 ? value & 0xff00 : value;
}
