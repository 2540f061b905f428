import { say } from './layout.ts';

/** `mem`: what the multiboot information says of memory (Multiboot Specification 0.6.96, 3.3). */
export const memoryText: string = `
command_mem:
        mov ebx, [boot_info]
        ${say('mem: lower ')}
        mov eax, [ebx + 4]
        call print_decimal
        ${say(' KiB, upper ')}
        mov eax, [ebx + 8]
        call print_decimal
        ${say(' KiB\n')}
        mov esi, [ebx + 48]
        mov edi, [ebx + 44]
        add edi, esi
mem_entry:
        cmp esi, edi
        jae mem_done
        ${say('mem: ')}
        mov eax, [esi + 4]
        call print_hex
        ${say(' + ')}
        mov eax, [esi + 12]
        call print_hex
        ${say(' type ')}
        mov eax, [esi + 20]
        call print_decimal
        ${say('\n')}
        add esi, [esi]
        add esi, 4
        jmp mem_entry
mem_done:
        ret
`;
