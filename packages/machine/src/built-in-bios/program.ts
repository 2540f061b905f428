/** The code of the built-in BIOS, which is real mode, and the image of its ROM. */
import { Assembler } from '@ringfence/assembler';

import { systemRom } from '../boot/memory-map.ts';
import { systemRomImage } from '../firmware.ts';
import { buildFont } from './font.ts';
import { biosMagic, Outcome, Rom, Service } from './layout.ts';
import { floppyText } from './floppy-text.ts';
import { mouseText } from './mouse-program.ts';
import { powerText } from './power-program.ts';
import { shutdownText } from './shutdown-text.ts';
import { smbios } from './smbios.ts';
import { putVideoTables } from './video-tables.ts';

/** Interrupts that are services of the machine. */
const serviceVectors: readonly number[] = [
  0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x40,
];

/**
 * Where the handlers of an IBM PC begin, by interrupt: programs jump there. Each has a jump to
 * ours, of three bytes.
 */
const entryPoints: readonly (readonly [vector: number, offset: number])[] = [
  [0x08, 0xfea5],
  [0x09, 0xe987],
  [0x0e, 0xef57],
  [0x10, 0xf065],
  [0x11, 0xf84d],
  [0x12, 0xf841],
  [0x13, 0xe3fe],
  [0x14, 0xe739],
  [0x15, 0xf859],
  [0x16, 0xe82e],
  [0x17, 0xefd2],
  [0x19, 0xe6f2],
  [0x1a, 0xfe6e],
  [0x40, 0xec59],
];
/** The IRET of all interrupts that have no handler, and where a cold start begins. */
const ignoreEntry = 0xff53;
const startEntry = 0xe05b;

const romBytes = 0x2_0000;
const codeStart = 0x1_0000;
/** Bytes that code may take: up to the first table that stands at a place of its own. */
const codeBytes = 0xe000;
const modelAt = 0xfc;

/** The image of the ROM, and where in segment 0xf000 the handlers of interrupts begin. */
export interface BiosProgram {
  readonly rom: Uint8Array;
  /** Offsets by interrupt. */
  readonly vectors: ReadonlyMap<number, number>;
  /** The offset of an IRET, for all other interrupts. */
  readonly ignore: number;
  /** The offsets of the fonts with 8, 14 and 16 rows. */
  readonly font8: number;
  readonly font14: number;
  readonly font16: number;
  /** The offset of the table of what the display can do (INT 10h, AH = 1Bh). */
  readonly videoAbilities: number;
  /** The offset of the table that 40:A8 points at: where the parameters of modes are. */
  readonly videoTables: number;
  /** Where power management is entered from protected mode, by the width of its code. */
  readonly apm: { readonly code16: number; readonly code32: number };
  /** The offsets of VBE's name, list of modes, and function that moves the window. */
  readonly vbe: { readonly name: number; readonly modes: number; readonly window: number };
}

/**
 * Services that let interrupts in for a moment, as every BIOS does: programs poll for keys and for
 * ticks with interrupts off.
 */
const openServices: readonly number[] = [0x13, 0x14, 0x15, 0x16, 0x17, 0x1a];

const stub = (vector: number): string => `
service_${vector}:
        pushad
        push ds
        push es
        mov cx, ${vector}
        jmp ${openServices.includes(vector) ? 'call_open' : 'call_machine'}
`;

const text = `
        bits 16
start:
        cli
        cld
${shutdownText}
power_on:
        xor ax, ax
        mov ss, ax
        mov sp, 0x7c00
        mov eax, cr0            ; caches on
        and eax, 0x9fffffff
        mov cr0, eax
        pushf
        push cs
        call service_${Service.start}

${floppyText}
; Calls the option ROMs that are there.
        mov bx, 0xc800
rom_next:
        mov ds, bx
        cmp word [0], 0xaa55
        jne rom_none
        push bx
        push cs
        push rom_called
        push bx
        push 3
        xor ax, ax
        mov bx, 0xffff
        mov dx, bx
        retf
rom_called:
        cld
        pop bx
rom_none:
        add bx, 0x80
        cmp bx, 0xe000
        jb rom_next
        int 0x19
stop:
        sti
        hlt
        jmp stop

${[...serviceVectors, ...Object.values(Service)].map(stub).join('')}

; Calls the machine for service CX with the registers that the stub saved, and returns to the
; caller of the interrupt.
call_open:
        sti
        nop
        cli
call_machine:
        xor ebx, ebx
        mov bx, ss
        shl ebx, 4
        movzx edx, sp
        add ebx, edx
        movzx ecx, cx
call_again:
        mov eax, ${biosMagic}
        vmcall
        cmp al, ${Outcome.wait}
        je call_wait
        cmp al, ${Outcome.none}
        je call_none
        cmp al, ${Outcome.again}
        je call_on
        pop es
        pop ds
        popad
        iret
call_wait:
        sti
        hlt
        cli
        jmp call_again
call_on:
        sti
        nop
        cli
        jmp call_again
call_none:
        int 0x18
        jmp stop

; The boot sector is loaded: the service has left its address where the stub returns to.

irq_0:
        push ds
        push ax
        xor ax, ax
        mov ds, ax
        inc word [0x46c]
        jnz irq_0_day
        inc word [0x46e]
irq_0_day:
        cmp word [0x46e], 0x18
        jb irq_0_user
        cmp word [0x46c], 0xb0
        jb irq_0_user
        mov word [0x46c], 0
        mov word [0x46e], 0
        mov byte [0x470], 1
irq_0_user:
        pop ax
        pop ds
        int 0x1c
        push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        iret

irq_1:
        push ax
        in al, 0x60
        mov ah, 0x4f
        stc
        int 0x15
        jnc irq_1_end
        pushf
        push cs
        call service_${Service.scanCode}
        push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        cmp al, 1
        jne irq_1_print
        int 0x1b
irq_1_print:
        cmp al, 2
        jne irq_1_return
        int 5
irq_1_return:
        pop ax
        iret
irq_1_end:
        mov al, 0x20
        out 0x20, al
        pop ax
        iret

; The floppy controller, and the first IDE channel: programs that drive them by their ports wait
; for these bytes.
irq_6:
        push ds
        push ax
        xor ax, ax
        mov ds, ax
        or byte [0x43e], 0x80
        pop ax
        pop ds
        jmp irq_master
irq_14:
        push ds
        push ax
        xor ax, ax
        mov ds, ax
        mov byte [0x48e], 0xff
        pop ax
        pop ds
        jmp irq_slave

; The clock: bit 6 says that its periodic interrupt came, bit 5 that its alarm did.
irq_8:
        push ax
        mov al, 0x0c
        out 0x70, al
        in al, 0x71
        test al, 0x40
        jz irq_8_alarm
        push ax
        pushf
        push cs
        call service_${Service.clock}
        pop ax
irq_8_alarm:
        test al, 0x20
        jz end_slave
        int 0x4a
        jmp end_slave
${mouseText}
; A coprocessor's error, which comes as this request on machines that want it so.
irq_13:
        push ax
        xor al, al
        out 0xf0, al
        call end_both
        pop ax
        int 2
        iret
end_both:
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        ret

${powerText}
; Moves the window of a VBE mode, as INT 10h does, for those who call it far.
vbe_window:
        mov ax, 0x4f05
        int 0x10
        retf

irq_slave:
        push ax
end_slave:
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        pop ax
        iret
irq_master:
        push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        iret
`;

/** Bytes of the configuration table (INT 15h, AH = C0h): an AT with a second 8259 and a clock,
 * an extended data area, and INT 16h, AH = 09h. */
const configuration: readonly number[] = [8, 0, modelAt, 0, 1, 0x74, 0x40, 0, 0, 0];
/** The parameters of a floppy drive (INT 1Eh): 512 bytes a sector, 18 sectors a track. */
const diskParameters: readonly number[] = [
  0xaf, 0x02, 0x25, 0x02, 0x12, 0x1b, 0xff, 0x6c, 0xf6, 0x0f, 0x08,
];
const segmentBytes: readonly number[] = [Rom.segment & 0xff, Rom.segment >> 8];

/** Assembles the code and puts the ROM of a machine with so much RAM together. */
export function builtInBios(ramBytes: number): BiosProgram {
  const assembler = new Assembler({ bits: 16, origin: 0 });
  assembler.text(text);
  const code = assembler.assemble();
  if (code.length + 0x3500 > codeBytes) {
    throw new Error(`the built-in BIOS has ${String(code.length)} bytes, too many by far`);
  }
  const rom = new Uint8Array(romBytes);
  // The upper half is code.
  rom.set(systemRomImage(systemRom).subarray(0, codeStart));
  const put = (offset: number, bytes: ArrayLike<number>): void => {
    rom.set(bytes, codeStart + offset);
  };
  const font16 = (code.length + 15) & ~15;
  put(0, code);
  put(font16, buildFont(16));
  put(Rom.configuration, configuration);
  put(Rom.diskParameters, diskParameters);
  put(Rom.font8, buildFont(8).subarray(0, 0x80 * 8));
  const font8 = font16 + 0x1000;
  put(font8, buildFont(8));
  const font14 = font8 + 0x800;
  put(font14, buildFont(14));
  const tables = putVideoTables(put, font14 + 0xe00);
  const smbiosAt = (tables.end + 15) & ~15;
  put(smbiosAt, smbios(Rom.segment * 16 + smbiosAt, ramBytes));
  put(Rom.reset, [0xea, 0x00, 0x00, ...segmentBytes]);
  put(
    Rom.date,
    Array.from('01/01/26', (character) => character.charCodeAt(0)),
  );
  put(Rom.model, [modelAt]);
  put(ignoreEntry, [0xcf]);
  const at = (label: string): number => Number(assembler.addressOf(label));
  const vectors = new Map(
    serviceVectors.map((vector) => [vector, at(`service_${String(vector)}`)]),
  );
  for (let irq = 0; irq < 16; irq += 1) {
    const isOwn = [0, 1, 6, 8, 12, 13, 14].includes(irq);
    const label = isOwn ? `irq_${String(irq)}` : irq < 8 ? 'irq_master' : 'irq_slave';
    vectors.set(irq < 8 ? 8 + irq : 0x68 + irq, at(label));
  }
  const jump = (offset: number, target: number): void => {
    const distance = target - offset - 3;
    put(offset, [0xe9, distance & 0xff, (distance >> 8) & 0xff]);
  };
  jump(startEntry, at('start'));
  for (const [vector, offset] of entryPoints) {
    jump(offset, vectors.get(vector) ?? ignoreEntry);
    vectors.set(vector, offset);
  }
  vectors.set(0x1e, Rom.diskParameters);
  vectors.set(0x1f, font8 + 0x400);
  vectors.set(0x43, font16);
  const vbe = { name: tables.name, modes: tables.modes, window: at('vbe_window') };
  const fonts = { font8, font14, font16 };
  const apm = { code16: at('apm_16'), code32: at('apm_32') };
  const { videoAbilities, videoTables } = tables;
  return { rom, vectors, ignore: ignoreEntry, ...fonts, videoAbilities, videoTables, apm, vbe };
}
