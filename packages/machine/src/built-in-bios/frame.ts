import type { BiosMemory } from './bios-memory.ts';
import { FrameOffset } from './layout.ts';

const carry = 0x01;
const zero = 0x40;
type WideRegister = 'eax' | 'ebx' | 'ecx' | 'edx' | 'esi' | 'edi' | 'esp';

/** The registers that the caller of a service had, as they stand on its stack. */
export class BiosFrame {
  readonly #memory: BiosMemory;
  /** Where they stand. */
  readonly address: number;

  /** Looks at registers that a stub saved. */
  constructor(memory: BiosMemory, address: number) {
    this.#memory = memory;
    this.address = address;
  }

  /** Reads a 16-bit register. */
  get(register: keyof typeof FrameOffset): number {
    return this.#memory.read16(this.address + FrameOffset[register]);
  }

  /** Writes a 16-bit register; the upper half of a wider one stays. */
  set(register: keyof typeof FrameOffset, value: number): void {
    this.#memory.write16(this.address + FrameOffset[register], value & 0xffff);
  }

  /** Reads a 32-bit register, unsigned. */
  get32(register: WideRegister): number {
    return this.#memory.read32(this.address + FrameOffset[register]) >>> 0;
  }

  /** Writes a 32-bit register. */
  set32(register: WideRegister, value: number): void {
    this.#memory.write32(this.address + FrameOffset[register], value);
  }

  get ah(): number {
    return this.get('eax') >> 8;
  }

  set ah(value: number) {
    this.#memory.write8(this.address + FrameOffset.eax + 1, value);
  }

  get al(): number {
    return this.get('eax') & 0xff;
  }

  set al(value: number) {
    this.#memory.write8(this.address + FrameOffset.eax, value);
  }

  get bh(): number {
    return this.get('ebx') >> 8;
  }

  get bl(): number {
    return this.get('ebx') & 0xff;
  }

  get ch(): number {
    return this.get('ecx') >> 8;
  }

  get cl(): number {
    return this.get('ecx') & 0xff;
  }

  get dh(): number {
    return this.get('edx') >> 8;
  }

  get dl(): number {
    return this.get('edx') & 0xff;
  }

  set dl(value: number) {
    this.#memory.write8(this.address + FrameOffset.edx, value);
  }

  /** Sets or clears the carry flag that the caller will see. */
  set carry(value: boolean) {
    this.#flag(carry, value);
  }

  /** Sets or clears the zero flag that the caller will see. */
  set zero(value: boolean) {
    this.#flag(zero, value);
  }

  /** Returns the address of an offset in a segment register. */
  at(segment: 'es' | 'ds', offset: number): number {
    return this.get(segment) * 16 + (offset & 0xffff);
  }

  #flag(bit: number, value: boolean): void {
    const flags = this.get('flags');
    this.set('flags', value ? flags | bit : flags & ~bit);
  }
}
