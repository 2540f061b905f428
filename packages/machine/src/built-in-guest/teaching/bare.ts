/**
 * The teaching kernel on bare hardware: page tables of its own, interrupt controllers, timer,
 * serial port, an IDE disk with DMA. Each of its sensitive instructions is translated.
 */
import { consoleData, consoleText } from '../console.ts';
import { powerData, powerText } from '../power-command.ts';
import { interruptControllersText, tickText } from '../processor.ts';
import { TeachingLayout as At } from './layout.ts';
import type { MachineLayer } from './layout.ts';

/** Ports of the bus master and of the drive; the list of memory regions has one entry. */
const Dma = { command: 0xc000, status: 0xc002, list: 0xc004 } as const;
const readFlag = 8;

/** All masked but 0 (timer), 2 (the second 8259), 4 (serial port 0), and 14 (disk). */
const interruptSetup = interruptControllersText([0xea, 0xbf]);

const pagingText = `
; The first 4 MiB are mapped to themselves; tasks may touch the pages of their programs there.
paging_init:
        mov dword [tables_next], ${At.tables}
        call take_page
        mov [kernel_directory], eax
        mov [tasks + 4], eax
        call take_page
        mov edi, eax
        or eax, 7
        mov ebx, [kernel_directory]
        mov [ebx], eax
        mov eax, 3
        mov ecx, 1024
paging_entry:
        stosd
        add eax, 4096
        loop paging_entry
        mov eax, user_start
paging_user:
        mov ebx, eax
        shr ebx, 12
        or dword [edi + ebx * 4 - 4096], 4
        add eax, 4096
        cmp eax, user_end
        jb paging_user
        mov eax, [kernel_directory]
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        ret

take_page:
        push edi
        mov edi, [tables_next]
        add dword [tables_next], 4096
        push edi
        xor eax, eax
        mov ecx, 1024
        rep stosd
        pop eax
        pop edi
        ret

space_create:
        call take_page
        mov ecx, [kernel_directory]
        mov ecx, [ecx]
        mov [eax], ecx
        ret

space_switch:
        mov cr3, eax
        ret

space_unmap:
        xor ecx, ecx
        xor edi, edi
        jmp map_begin
space_map:
        lea esi, [esi * 2 + 1]
        or ecx, esi
        mov edi, 4096
map_begin:
        mov [map_step], edi
        mov [map_count], edx
map_next:
        mov edi, ebx
        shr edi, 22
        lea edi, [eax + edi * 4]
        test byte [edi], 1
        jnz map_table
        push eax
        push ecx
        call take_page
        or eax, 7
        mov [edi], eax
        pop ecx
        pop eax
map_table:
        mov edi, [edi]
        and edi, 0xfffff000
        mov esi, ebx
        shr esi, 12
        and esi, 1023
        mov [edi + esi * 4], ecx
        cmp dword [map_count], 32
        ja map_more
        invlpg [ebx]
map_more:
        add ecx, [map_step]
        add ebx, 4096
        dec edx
        jnz map_next
        cmp dword [map_count], 32
        jbe map_done
        mov eax, cr3            ; for many pages all are flushed at once
        mov cr3, eax
map_done:
        ret
`;

const timerText = `
machine_idle:
        sti
        hlt
        ret

timer_start:${tickText}
        ret
timer_stop:
        mov al, 0x30
        out 0x43, al
        ret
timer_once:
        mov al, 0x30
        out 0x43, al
        mov al, 1
        out 0x40, al
        xor eax, eax
        out 0x40, al
        ret

handle_timer:
        mov al, 0x20
        out 0x20, al
        jmp tick

handle_serial:
        call serial_interrupt
        mov al, 0x20
        out 0x20, al
handle_spurious:
        ret
`;

const diskText = `
handle_disk:
        mov edx, ${Dma.status}
        in al, dx
        mov [disk_status], al
        mov al, 6               ; interrupt and error are taken note of
        out dx, al
        mov edx, 0x1f7
        in al, dx
        mov [disk_status + 1], al
        mov dword [disk_flag], 1
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        ret

disk_read:
        mov ebx, eax
        mov dword [disk_flag], 0
        mov dword [${At.shared}], ${At.diskBuffer}
        mov dword [${At.shared + 4}], 0x80001000
        mov edx, ${Dma.list}
        mov eax, ${At.shared}
        out dx, eax
        mov edx, ${Dma.command}
        mov al, ${readFlag}
        out dx, al
        mov edx, 0x1f6
        in al, dx
        cmp al, 0xff            ; there is no controller
        je disk_none
        mov al, 0xe0
        out dx, al
        mov edx, 0x1f2
        mov al, 8
        out dx, al
        inc edx
        mov al, bl
        out dx, al
        inc edx
        mov al, bh
        out dx, al
        inc edx
        shr ebx, 16
        mov al, bl
        out dx, al
        mov edx, 0x1f7
        mov al, 0xc8            ; READ DMA
        out dx, al
        mov edx, ${Dma.command}
        mov al, ${readFlag | 1}
        out dx, al
        mov edi, disk_flag
        call wait_flag
        mov edx, ${Dma.command}
        xor eax, eax
        out dx, al
        mov al, [disk_status + 1]
        and eax, 1
        ret
disk_none:
        mov eax, 1
        ret
`;

/** The layer for bare hardware. */
export const bareLayer: MachineLayer = {
  name: 'bare hardware',
  interruptsOff: 'cli',
  interruptsOn: 'sti',
  vectors: [
    { vector: 32, handler: 'handle_timer' },
    { vector: 36, handler: 'handle_serial' },
    { vector: 39, handler: 'handle_spurious' },
    { vector: 46, handler: 'handle_disk' },
    { vector: 47, handler: 'handle_spurious' },
  ],
  text: `
machine_init:
${interruptSetup}
        call timer_stop
        call initialize_serial
        call clear_screen
        jmp paging_init
power_off:
        ; The tables of the firmware are looked for where they stand in physical memory.
        cli
        mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        jmp command_poweroff
${pagingText}${timerText}${diskText}${consoleText}${powerText}
`,
  data: `${consoleData}${powerData}
        align 4
tables_next: dd 0
kernel_directory: dd 0
map_step: dd 0
map_count: dd 0
disk_flag: dd 0
disk_status: dw 0
        align 4
`,
};
