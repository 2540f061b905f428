/**
 * An option ROM of our own that boots a Linux kernel out of the firmware configuration device.
 *
 * Its header says that it is a boot entry (Plug and Play BIOS Specification 1.0a, 3.2; BIOS Boot
 * Specification 1.01, 3.3): initializing it does nothing, and a BIOS that boots it calls its boot
 * entry vector. That reads each part of the kernel to where its item says, by DMA and so above
 * 1 MiB too, and enters the kernel's real-mode code (Linux, Documentation/arch/x86/boot.rst,
 * "Running the kernel").
 */
import { Assembler } from '@ringfence/assembler';
import { fwCfgDmaControl as dmaControl, fwCfgKey, fwCfgPort } from '@ringfence/devices';

/** The real-mode code's segment, and how far from it the command line stands. */
export const linuxPlace = { setup: 0x1_0000, commandLine: 0x2_0000, stack: 0xfff0 } as const;

const romBytes = 1024;
const productName = 'Linux of option -kernel';

/** Items of a part of the kernel: where it goes, how long it is, its bytes. */
const parts: readonly (readonly [address: number, bytes: number, data: number])[] = [
  [fwCfgKey.setupAddress, fwCfgKey.setupBytes, fwCfgKey.setupData],
  [fwCfgKey.commandLineAddress, fwCfgKey.commandLineBytes, fwCfgKey.commandLineData],
  [fwCfgKey.kernelAddress, fwCfgKey.kernelBytes, fwCfgKey.kernelData],
  [fwCfgKey.initrdAddress, fwCfgKey.initrdBytes, fwCfgKey.initrdData],
];

const loadPart = ([address, bytes, data]: (typeof parts)[number]): string => `
        mov ax, ${address}
        call number
        mov ebx, ecx
        mov ax, ${bytes}
        call number
        mov ax, ${data}
        call load
`;

const text = `
        bits 16
        db 0x55, 0xaa, ${romBytes / 512}
        xor ax, ax              ; Nothing to initialize, and nothing is taken over.
        retf
        times 20 db 0
        dw plug_and_play        ; At 1Ah.
        align 32
plug_and_play:
        db '$PnP', 1, 2         ; Revision 1, 32 bytes.
        dw 0                    ; No further header.
        db 0, 0                 ; A reserved byte, and the checksum, which is put in later.
        dd 0
        dw 0
        dw product
        db 0, 0, 0              ; No kind of device that has a class,
        db 0x04                 ; but something to boot.
        dw 0, 0
        dw boot
        dw 0, 0
product:
        db '${productName}', 0

boot:
        cli
        cld
        xor ax, ax
        mov ss, ax
        mov sp, 0x7c00
        mov bp, 0x7c00          ; The access structure of the DMA, above the stack.
${parts.map(loadPart).join('')}
        mov ax, ${linuxPlace.setup >> 4}
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        mov sp, ${linuxPlace.stack}
        jmp ${(linuxPlace.setup >> 4) + 0x20}:0

; Returns the 32-bit item AX in ECX.
number:
        mov dx, ${fwCfgPort.selector}
        out dx, ax
        inc dx
        mov si, 4
number_byte:
        in al, dx
        shrd ecx, eax, 8
        dec si
        jnz number_byte
        ret

; Reads ECX bytes of item AX to address EBX.
load:
        jecxz load_end
        shl eax, 16
        mov al, ${dmaControl.select | dmaControl.read}
        xor ah, ah
        bswap eax
        mov [bp], eax
        bswap ecx
        mov [bp + 4], ecx
        mov dword [bp + 8], 0
        bswap ebx
        mov [bp + 12], ebx
        movzx eax, bp
        bswap eax
        mov dx, ${fwCfgPort.dmaLow}
        out dx, eax
load_wait:
        mov eax, [bp]
        bswap eax
        test eax, ${~dmaControl.error >>> 0}
        jnz load_wait
        test eax, eax
        jz load_end
        int 0x18
load_end:
        ret
`;

/** Assembles the ROM. */
export function linuxRom(): Uint8Array {
  const assembler = new Assembler({ bits: 16, origin: 0 });
  assembler.text(text);
  const code = assembler.assemble();
  if (code.length >= romBytes) {
    throw new Error(`the Linux option ROM has ${String(code.length)} bytes, too many`);
  }
  const rom = new Uint8Array(romBytes);
  rom.set(code);
  const header = Number(assembler.addressOf('plug_and_play'));
  rom[header + 9] = checksum(rom.subarray(header, header + 32));
  rom[romBytes - 1] = checksum(rom);
  return rom;
}

/** Returns what makes the sum of bytes 0 modulo 256. */
function checksum(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}
