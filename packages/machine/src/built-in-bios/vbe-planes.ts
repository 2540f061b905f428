/**
 * The memory of modes of the VBE extension with sixteen colours: four planes, of each of which a
 * bank of 64 KiB shows at a time. A byte has eight pixels of a plane, the leftmost in bit 7.
 */
import { vbeRegister } from '@ringfence/devices';
import type { PortBus } from '@ringfence/devices';

import type { BiosMemory } from './bios-memory.ts';
import { vbeLineBytes } from './vbe-modes.ts';
import type { VbeRegisters } from './vbe-registers.ts';
import type { VbeSurface } from './vbe-surface.ts';
import { setGraphics, writePlanes } from './video-planes.ts';

const planes = 4;
const xorBit = 0x80;

/** Registers of the graphics controller, and how it writes what was read last. */
const Graphics = { readPlane: 4, mode: 5, copyMode: 1 } as const;

/** The pixels of such a mode. */
export class VbePlanes implements VbeSurface {
  readonly #memory: BiosMemory;
  readonly #ports: PortBus;
  readonly #registers: VbeRegisters;
  readonly #pitch: number;

  /** Draws on the surface that the registers describe. */
  constructor(memory: BiosMemory, ports: PortBus, registers: VbeRegisters) {
    this.#memory = memory;
    this.#ports = ports;
    this.#registers = registers;
    this.#pitch = vbeLineBytes(registers.read(vbeRegister.virtualWidth), 4);
  }

  put(x: number, y: number, colours: readonly number[]): void {
    this.#registers.withBank(() => {
      for (const [byte, pixels] of bytesOf(x, colours)) {
        const address = this.#registers.show(y * this.#pitch + byte);
        for (const [colour, mask] of pixels) {
          const isXor = (colour & xorBit) !== 0;
          writePlanes(this.#memory, this.#ports, address, mask, colour, isXor);
        }
      }
    });
  }

  get(x: number, y: number): number {
    return this.#registers.withBank(() => {
      const address = this.#registers.show(y * this.#pitch + (x >> 3));
      let colour = 0;
      for (let plane = 0; plane < planes; plane += 1) {
        setGraphics(this.#ports, Graphics.readPlane, plane);
        colour |= ((this.#memory.read8(address) >> (7 - (x & 7))) & 1) << plane;
      }
      setGraphics(this.#ports, Graphics.readPlane, 0);
      return colour;
    });
  }

  /** Copies whole bytes, all planes at once by the latches. */
  copy(x: number, from: number, to: number, count: number): void {
    this.#registers.withBank(() => {
      setGraphics(this.#ports, Graphics.mode, Graphics.copyMode);
      for (let byte = x >> 3; byte < (x + count) >> 3; byte += 1) {
        this.#memory.read8(this.#registers.show(from * this.#pitch + byte));
        this.#memory.write8(this.#registers.show(to * this.#pitch + byte), 0);
      }
      setGraphics(this.#ports, Graphics.mode, 0);
    });
  }
}

/** Returns for each byte of a line which of its pixels have which colour. */
function bytesOf(x: number, colours: readonly number[]): Map<number, Map<number, number>> {
  const bytes = new Map<number, Map<number, number>>();
  for (const [index, colour] of colours.entries()) {
    const at = x + index;
    const pixels = bytes.get(at >> 3) ?? new Map<number, number>();
    pixels.set(colour, (pixels.get(colour) ?? 0) | (0x80 >> (at & 7)));
    bytes.set(at >> 3, pixels);
  }
  return bytes;
}
