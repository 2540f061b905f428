/** Output on serial port 0 and on the text screen, input from serial port 0. */
export const consoleText: string = `
initialize_serial:
        mov edx, 0x3fb
        mov al, 0x80            ; divisor latch
        out dx, al
        mov edx, 0x3f8
        mov al, 1               ; 115200 baud
        out dx, al
        mov edx, 0x3f9
        xor eax, eax
        out dx, al
        mov edx, 0x3fb
        mov al, 3               ; eight bits, no parity
        out dx, al
        mov edx, 0x3fa
        mov al, 0xc7            ; FIFOs on and clear
        out dx, al
        mov edx, 0x3fc
        mov al, 0x0b            ; DTR, RTS, OUT2: interrupts pass
        out dx, al
        mov edx, 0x3f9
        mov al, 1               ; interrupt when data is there
        out dx, al
        ret

clear_screen:
        pushad
        mov edi, 0xb8000
        mov eax, 0x07200720
        mov ecx, 1000
        rep stosd
        mov dword [screen_at], 0
        popad
        ret

; Prints the character in AL; a line feed also returns to the first column.
put_char:
        pushad
        cmp al, 10
        jne put_plain
        mov al, 13
        call serial_put
        mov al, 10
put_plain:
        call serial_put
        call screen_put
        popad
        ret

serial_put:
        push eax
        mov edx, 0x3fd
serial_wait:
        in al, dx
        test al, 0x20
        jz serial_wait
        pop eax
        mov edx, 0x3f8
        out dx, al
        ret

screen_put:
        mov ecx, [screen_at]    ; cell, 0 to 1999
        cmp al, 8
        je screen_back
        cmp al, 10
        je screen_line
        cmp al, 32
        jb screen_done
        mov ah, 7
        mov [0xb8000 + ecx * 2], ax
        inc ecx
        jmp screen_scroll
screen_back:
        test ecx, ecx
        jz screen_done
        dec ecx
        mov word [0xb8000 + ecx * 2], 0x0720
        mov [screen_at], ecx
        ret
screen_line:
        mov eax, ecx
        xor edx, edx
        mov ebx, 80
        div ebx
        sub ecx, edx
        add ecx, 80
screen_scroll:
        cmp ecx, 2000
        jb screen_set
        mov esi, 0xb80a0
        mov edi, 0xb8000
        mov ecx, 960
        rep movsd
        mov eax, 0x07200720
        mov ecx, 40
        rep stosd
        mov ecx, 1920
screen_set:
        mov [screen_at], ecx
screen_done:
        ret

; The serial port's interrupt: takes all that is there into the ring.
serial_interrupt:
        mov edx, 0x3fd
        in al, dx
        test al, 1
        jz serial_empty
        mov edx, 0x3f8
        in al, dx
        mov ecx, [input_write]
        mov [input_ring + ecx], al
        inc ecx
        and ecx, 255
        cmp ecx, [input_read]
        je serial_interrupt     ; the ring is full: the byte is lost
        mov [input_write], ecx
        jmp serial_interrupt
serial_empty:
        ret

; Waits for a character and returns it in EAX.
read_char:
        cli
        mov ecx, [input_read]
        cmp ecx, [input_write]
        jne read_ready
        sti
        hlt
        jmp read_char
read_ready:
        movzx eax, byte [input_ring + ecx]
        inc ecx
        and ecx, 255
        mov [input_read], ecx
        sti
        ret
`;

/** Texts and numbers on a console that has `put_char`. */
export const printText: string = `
; Prints the text that stands behind the call, and returns behind the text.
say:
        xchg [esp], esi
        push eax
        call print
        pop eax
        xchg [esp], esi
        ret

; Prints the text at ESI; ESI then points behind its closing zero.
print:
        lodsb
        test al, al
        jz print_done
        call put_char
        jmp print
print_done:
        ret

; Prints EAX as eight hexadecimal digits.
print_hex:
        pushad
        mov ecx, 8
print_digit:
        rol eax, 4
        mov ebx, eax
        and ebx, 15
        push eax
        mov al, [hex_digits + ebx]
        call put_char
        pop eax
        loop print_digit
        popad
        ret

; Prints EAX in decimal.
print_decimal:
        pushad
        mov ebx, 10
        xor ecx, ecx
decimal_divide:
        xor edx, edx
        div ebx
        push edx
        inc ecx
        test eax, eax
        jnz decimal_divide
decimal_print:
        pop eax
        add al, 48
        call put_char
        loop decimal_print
        popad
        ret

hex_digits: db 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102
`;

/** Variables of the console. */
export const consoleData: string = `
        align 4
screen_at: dd 0
input_read: dd 0
input_write: dd 0
input_ring: times 256 db 0
`;
