/** INT 10h, AH = 1Ch and AX = 4F04h: the state of the display in a buffer of the caller's. */
import type { PortBus } from '@ringfence/devices';

import type { BiosBoard, BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { Bda, Ebda } from './layout.ts';

const blockBytes = 64;
/** What CX asks for, and the blocks that it takes. */
const parts = [
  { bit: 1, blocks: 2, name: 'registers' },
  { bit: 2, blocks: 1, name: 'data' },
  { bit: 4, blocks: 13, name: 'palette' },
  { bit: 8, blocks: 1, name: 'vbe' },
] as const;
type Part = (typeof parts)[number]['name'];

/** Ranges of the data areas that belong to the display. */
const dataRanges: readonly (readonly [number, number])[] = [
  [Bda.videoMode, 30],
  [Bda.lastRow, 7],
  [4 * 0x1f, 4],
  [4 * 0x43, 4],
];
const counts = { sequencer: 5, crtc: 25, graphics: 9, attributes: 21 } as const;
/** Registers of the Bochs extension, in the order in which they can be written back. */
const vbeRegisters = [1, 2, 3, 4, 6, 8, 9, 5] as const;
const keepMemory = 0x80;

/** Saves and restores what the display shows, its memory apart. */
export class VideoState {
  readonly #memory: BiosMemory;
  readonly #ports: PortBus;

  /** Makes the services of a board. */
  constructor(board: BiosBoard) {
    this.#memory = board.memory;
    this.#ports = board.ports;
  }

  /**
   * Tells the size in blocks of 64 bytes in BX (0), saves to ES:BX (1) or restores from there (2);
   * returns whether `what` was one of these.
   */
  serve(frame: BiosFrame, what: number): boolean {
    const asked = frame.get('ecx');
    const chosen = parts.filter(({ bit }) => (asked & bit) !== 0);
    if (what > 2) {
      return false;
    }
    if (what === 0) {
      const blocks = chosen.reduce((sum, part) => sum + part.blocks, 0);
      frame.set('ebx', blocks);
      return true;
    }
    let at = frame.at('es', frame.get('ebx'));
    const restored: (() => void)[] = [];
    for (const { name, blocks } of chosen) {
      const bytes = new Uint8Array(blocks * blockBytes);
      if (what === 1) {
        bytes.set(this.#save(name));
        this.#memory.write(at, bytes);
      } else {
        this.#memory.read(at, bytes);
        restored.unshift(() => this.#restore(name, bytes));
      }
      at += bytes.length;
    }
    // The extension's registers first: they decide what the others mean.
    for (const restore of restored) restore();
    return true;
  }

  #save(part: Part): ArrayLike<number> {
    switch (part) {
      case 'registers':
        return this.#saveRegisters();
      case 'data':
        return dataRanges.flatMap(([at, count]) =>
          Array.from({ length: count }, (_, index) => this.#memory.read8(at + index)),
        );
      case 'palette': {
        const mask = this.#ports.readPort(0x3c6, 1);
        this.#ports.writePort(0x3c7, 1, 0);
        return [mask, ...Array.from({ length: 768 }, () => this.#ports.readPort(0x3c9, 1))];
      }
      case 'vbe': {
        const mode = this.#memory.read16(Ebda.vbeMode);
        const values = vbeRegisters.map((index) => {
          this.#ports.writePort(0x1ce, 2, index);
          return this.#ports.readPort(0x1cf, 2);
        });
        return [mode, ...values].flatMap((word) => [word & 0xff, word >> 8]);
      }
    }
  }

  #restore(part: Part, bytes: Uint8Array): void {
    const ports = this.#ports;
    if (part === 'registers') {
      this.#restoreRegisters(bytes);
    } else if (part === 'data') {
      let from = 0;
      for (const [at, count] of dataRanges) {
        this.#memory.write(at, bytes.subarray(from, from + count));
        from += count;
      }
    } else if (part === 'palette') {
      ports.writePort(0x3c6, 1, bytes[0] ?? 0xff);
      ports.writePort(0x3c8, 1, 0);
      for (const value of bytes.subarray(1, 769)) ports.writePort(0x3c9, 1, value);
    } else {
      const view = new DataView(bytes.buffer);
      this.#memory.write16(Ebda.vbeMode, view.getUint16(0, true));
      this.#setVbe(4, 0);
      vbeRegisters.forEach((index, place) => {
        const value = view.getUint16(2 + 2 * place, true);
        this.#setVbe(index, index === 4 ? value | keepMemory : value);
      });
    }
  }

  #saveRegisters(): number[] {
    const ports = this.#ports;
    const misc = ports.readPort(0x3cc, 1);
    const crtc = (misc & 1) !== 0 ? 0x3d4 : 0x3b4;
    const indices = [ports.readPort(0x3c4, 1), ports.readPort(crtc, 1), ports.readPort(0x3ce, 1)];
    const read = (port: number, count: number): number[] =>
      Array.from({ length: count }, (_, index) => {
        ports.writePort(port, 1, index);
        return ports.readPort(port + 1, 1);
      });
    const values = [
      ...read(0x3c4, counts.sequencer),
      ...read(crtc, counts.crtc),
      ...read(0x3ce, counts.graphics),
    ];
    const attributes = Array.from({ length: counts.attributes }, (_, index) => {
      ports.readPort(crtc + 6, 1);
      ports.writePort(0x3c0, 1, index);
      return ports.readPort(0x3c1, 1);
    });
    ports.readPort(crtc + 6, 1);
    ports.writePort(0x3c0, 1, 0x20);
    [0x3c4, crtc, 0x3ce].forEach((port, index) => {
      ports.writePort(port, 1, indices[index] ?? 0);
    });
    return [misc, ...indices, ...values, ...attributes];
  }

  #restoreRegisters(bytes: Uint8Array): void {
    const ports = this.#ports;
    const misc = bytes[0] ?? 0;
    const crtc = (misc & 1) !== 0 ? 0x3d4 : 0x3b4;
    let from = 4;
    const write = (port: number, count: number): void => {
      for (let index = 0; index < count; index += 1) {
        ports.writePort(port, 1, index);
        ports.writePort(port + 1, 1, bytes[from++] ?? 0);
      }
    };
    ports.writePort(0x3c2, 1, misc);
    write(0x3c4, counts.sequencer);
    ports.writePort(crtc, 1, 0x11); // Its lock keeps the first eight from being written.
    ports.writePort(crtc + 1, 1, 0);
    write(crtc, counts.crtc);
    write(0x3ce, counts.graphics);
    ports.readPort(crtc + 6, 1);
    for (let index = 0; index < counts.attributes; index += 1) {
      ports.writePort(0x3c0, 1, index);
      ports.writePort(0x3c0, 1, bytes[from++] ?? 0);
    }
    ports.writePort(0x3c0, 1, 0x20);
    [0x3c4, crtc, 0x3ce].forEach((port, index) => {
      ports.writePort(port, 1, bytes[1 + index] ?? 0);
    });
  }

  #setVbe(index: number, value: number): void {
    this.#ports.writePort(0x1ce, 2, index);
    this.#ports.writePort(0x1cf, 2, value);
  }
}
