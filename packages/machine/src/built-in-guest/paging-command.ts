import { GuestLayout, say } from './layout.ts';

const { pageDirectory, identityTable, aliasTable, frameA, frameB, alias, aliasSecond } =
  GuestLayout;

/** Present and writable (SDM 3A table 4-6). */
const usable = 3;

/**
 * `paging`: two-level page tables at work (SDM 3A 4.3).
 *
 * The low 4 MiB are mapped to themselves, so that code goes on when paging goes on; the aliases
 * above them reach frames A and B.
 */
export const pagingText: string = `
command_paging:
        call build_tables
        mov dword [${frameA}], 0x0000aaaa
        mov dword [${frameB}], 0x0000bbbb
        mov eax, ${pageDirectory}
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000      ; PG, and WP so that ring 0 heeds read-only pages
        mov cr0, eax
        ${say('paging: on\n')}
        call show_alias
        call show_remap
        call show_demand
        call show_protection
        mov eax, cr0
        and eax, 0x7ffeffff
        mov cr0, eax
        ${say('paging: off\n')}
        ret

build_tables:
        mov edi, ${pageDirectory}
        xor eax, eax
        mov ecx, 1024
        rep stosd
        mov dword [${pageDirectory}], ${identityTable | usable}
        mov dword [${pageDirectory + 4}], ${aliasTable | usable}
        mov eax, ${usable}
        mov ecx, 1024
identity_entry:
        stosd                   ; the identity table stands behind the directory
        add eax, 4096
        loop identity_entry
        xor eax, eax            ; and the table of aliases behind that
        mov ecx, 1024
        rep stosd
        mov dword [${aliasTable}], ${frameA | usable}
        ret

show_alias:
        mov dword [${alias}], 0x12345678
        ${say('paging: wrote 12345678 through the alias, frame A has ')}
        mov eax, [${frameA}]
        call print_hex
        ${say('\npaging: entry of the alias is ')}
        mov eax, [${aliasTable}]
        call print_hex
        ${say(' (accessed and dirty are 60)\n')}
        ret

show_remap:
        mov dword [${aliasTable}], ${frameB | usable}
        invlpg [${alias}]
        ${say('paging: remapped, the alias reads ')}
        mov eax, [${alias}]
        call print_hex
        ${say('\n')}
        ret

show_demand:
        mov dword [${aliasSecond}], 0x600dcafe
        ${say('paging: the write was done again, frame A has ')}
        mov eax, [${frameA}]
        call print_hex
        ${say('\n')}
        ret

show_protection:
        mov dword [${aliasTable}], ${frameB | 1}
        invlpg [${alias}]
        mov dword [${alias}], 0x5afe5afe
        ${say('paging: allowed after the fault, frame B has ')}
        mov eax, [${frameB}]
        call print_hex
        ${say('\n')}
        ret

; Gives the page that is not there, allows the write that is not allowed; all else is unexpected.
handle_page_fault:
        mov ebx, cr2
        mov eax, ebx
        and eax, 0xffffe000
        cmp eax, ${alias}
        jne handle_unexpected
        ${say('paging: fault at ')}
        mov eax, ebx
        call print_hex
        ${say(', error ')}
        mov eax, [ebp + 44]
        call print_decimal
        ${say('\n')}
        mov ecx, ebx
        shr ecx, 12
        and ecx, 1023
        test eax, 1
        jnz page_allow
        mov dword [${aliasTable} + ecx * 4], ${frameA | usable}
        ret
page_allow:
        or dword [${aliasTable} + ecx * 4], 2
        invlpg [ebx]
        ret
`;
