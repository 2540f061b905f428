/**
 * The interrupt vectors that a BIOS leaves behind, for kernels that are started without one: small
 * kernels go back to real mode and let interrupts in, as the timer runs and the 8259s are open.
 *
 * The handlers are in the ROM. They count ticks and end interrupts; services there are none.
 */
import { Assembler } from '@ringfence/assembler';

import { Bda } from '../built-in-bios/layout.ts';

/** The segment of the ROM, and where the handlers are in it. */
const segment = 0xf000;
const origin = 0xfe00;
const vectorCount = 256;

const text = `
        bits 16
tick:                                   ; IRQ 0: 40:6C and INT 1Ch (IBM AT)
        push ds
        push ax
        xor ax, ax
        mov ds, ax
        inc dword [${String(Bda.ticks)}]
        int 0x1c
        pop ax
        pop ds
master:
        push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        iret
slave:
        push ax
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        pop ax
nothing:
        iret`;

/** The handlers of interrupts in a ROM without a BIOS. */
export interface KernelInterrupts {
  /** The offset of `code` in the ROM's last 64 KiB. */
  readonly origin: number;
  readonly code: Uint8Array;
  /** The vectors as they stand at address 0. */
  readonly vectors: Uint8Array;
}

/** Returns the handlers, and the vectors that lead to them. */
export function kernelInterrupts(): KernelInterrupts {
  const assembler = new Assembler({ bits: 16, origin });
  assembler.text(text);
  const code = assembler.assemble();
  const vectors = new Uint32Array(vectorCount);
  for (let vector = 0; vector < vectorCount; vector += 1) {
    const offset = Number(assembler.addressOf(labelOf(vector)));
    vectors[vector] = ((segment << 16) | offset) >>> 0;
  }
  return { origin, code, vectors: new Uint8Array(vectors.buffer) };
}

/** IRQ 0 to 7 are at 08h, IRQ 8 to 15 at 70h. */
function labelOf(vector: number): string {
  if (vector === 8) return 'tick';
  if (vector >= 8 && vector < 16) return 'master';
  return vector >= 0x70 && vector < 0x78 ? 'slave' : 'nothing';
}
