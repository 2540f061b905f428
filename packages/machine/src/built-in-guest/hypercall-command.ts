import { GuestLayout, say } from './layout.ts';

const timeInfo = GuestLayout.timeStructures;
const wallClock = GuestLayout.timeStructures + 0x40;
const systemTimeMsr = 0x4b56_4d01;
const wallClockMsr = 0x4b56_4d00;
/** Hypercalls: one that does nothing visible, and a number that is none. */
const pollCall = 1;
const noCall = 99;
/** "Auth" of AuthenticAMD: VMMCALL is AMD's, VMCALL Intel's. */
const amd = 0x6874_7541;
/** "KVMK", how KVM's signature begins. */
const kvm = 0x4b4d_564b;

/** `hypercall`: the KVM interface from the guest's side (Linux, Documentation/virt/kvm/x86). */
export const hypercallText: string = `
command_hypercall:
        mov eax, 1
        cpuid
        test ecx, ecx           ; bit 31: there is a hypervisor
        js hypervisor_found
        ${say('hypercall: there is no hypervisor\n')}
        ret
hypervisor_found:
        xor eax, eax
        cpuid
        mov [vendor], ebx
        mov eax, 0x40000000
        cpuid
        mov [signature], ebx
        mov [signature + 4], ecx
        mov [signature + 8], edx
        ${say('hypercall: signature ')}
        mov esi, signature
        call print
        mov eax, 0x40000001
        cpuid
        ${say(', features ')}
        call print_hex
        ${say('\n')}
        cmp dword [signature], ${kvm}
        jne hypercall_done
        ${say('hypercall: poll gives ')}
        mov eax, ${pollCall}
        call hypercall
        call print_signed
        ${say(', an unknown call gives ')}
        mov eax, ${noCall}
        call hypercall
        call print_signed
        ${say('\n')}
        mov ecx, ${systemTimeMsr}
        mov eax, ${timeInfo | 1}
        xor edx, edx
        wrmsr
        ${say('hypercall: nanoseconds ')}
        call print_clock
        ${say(' and later ')}
        call print_clock
        mov ecx, ${wallClockMsr}
        mov eax, ${wallClock}
        xor edx, edx
        wrmsr
        ${say('\nhypercall: started at ')}
        mov eax, [${wallClock + 4}]
        call print_decimal
        ${say(' seconds since 1970\n')}
hypercall_done:
        ret

hypercall:
        xor ebx, ebx
        xor ecx, ecx
        xor edx, edx
        xor esi, esi
        cmp dword [vendor], ${amd}
        jne hypercall_intel
        vmmcall
        ret
hypercall_intel:
        vmcall
        ret

print_signed:
        test eax, eax
        jns print_decimal
        push eax
        mov al, 45
        call put_char
        pop eax
        neg eax
        jmp print_decimal

; Prints the clock as 16 digits: ((TSC - stamp) << shift) * multiplier >> 32, plus the base.
print_clock:
        rdtsc
        sub eax, [${timeInfo + 8}]
        mov cl, [${timeInfo + 28}]
        test cl, cl
        js clock_right
        shl eax, cl
        jmp clock_multiply
clock_right:
        neg cl
        shr eax, cl
clock_multiply:
        mul dword [${timeInfo + 24}]
        add edx, [${timeInfo + 16}]
        mov ebx, edx
        mov eax, [${timeInfo + 20}]
        adc eax, 0
        call print_hex
        mov eax, ebx
        jmp print_hex
`;

/** What CPUID said. */
export const hypercallData: string = `
        align 4
vendor: dd 0
signature: dd 0, 0, 0, 0
`;
