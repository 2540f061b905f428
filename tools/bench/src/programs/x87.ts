import { Place, type Program } from './program.ts';

/** The Mandelbrot set again, in 80-bit registers and one point at a time. */
const mandelbrot = `
run_x87_mandelbrot:
        fninit
        xor edi, edi
        mov esi, 120
x87_row:
        mov ebx, 120
x87_point:
        mov [x87_integer], esi
        fild dword [x87_integer]
        fmul qword [x87_scale]
        fsub qword [x87_top]            ; y
        mov [x87_integer], ebx
        fild dword [x87_integer]
        fmul qword [x87_scale]
        fsub qword [x87_left]           ; x y
        fldz
        fldz                            ; re im x y
        mov ecx, 100
x87_step:
        fld st0
        fmul st0, st0                   ; re2 re im x y
        fld st2
        fmul st0, st0                   ; im2 re2 re im x y
        fld st1
        fadd st0, st1                   ; sum im2 re2 re im x y
        fcomp qword [x87_four]
        fnstsw ax
        fsubp st1, st0                  ; re2-im2 re im x y
        fadd st0, st3                   ; re' re im x y
        fxch st1
        fmulp st2, st0                  ; re' re*im x y
        fxch st1
        fadd st0, st0
        fadd st0, st3                   ; im' re' x y
        fxch st1
        sahf
        ja x87_out
        inc edi
        dec ecx
        jnz x87_step
x87_out:
        fstp st0
        fstp st0
        fstp st0
        fstp st0
        dec ebx
        jnz x87_point
        dec esi
        jnz x87_row
        mov eax, edi
        ret
        align 8
x87_scale: dq 0x3f99999999999999        ; 0.025
x87_left: dq 0x4000000000000000
x87_top: dq 0x3ff8000000000000
x87_four: dq 0x4010000000000000
x87_integer: dd 0
`;

/** Double operands in memory, as compilers for the 387 wrote them: a dot product with division. */
const dotProduct = `
run_x87_dot:
        fninit
        mov ecx, 4096
        mov edi, ${Place.buffer}
x87_dot_fill:
        mov [x87_integer], ecx
        fild dword [x87_integer]
        fst qword [edi]
        fdivr qword [x87_four]
        fstp qword [edi + 0x10000]
        add edi, 8
        dec ecx
        jnz x87_dot_fill
        mov ebp, 700
        fldz
x87_dot_round:
        mov esi, ${Place.buffer}
        mov ecx, 4096
x87_dot_next:
        fld qword [esi]
        fmul qword [esi + 0x10000]
        fadd qword [esi]
        faddp st1, st0
        add esi, 8
        dec ecx
        jnz x87_dot_next
        fdiv qword [x87_four]
        dec ebp
        jnz x87_dot_round
        fstp qword [${Place.buffer}]
        mov eax, [${Place.buffer}]
        xor eax, [${Place.buffer} + 4]
        ret
`;

/** Programs that compute with the x87 FPU. */
export const x87Programs: readonly Program[] = [
  { name: 'x87-mandelbrot', cpuBound: true, text: mandelbrot },
  { name: 'x87-dot', cpuBound: true, text: dotProduct },
];
