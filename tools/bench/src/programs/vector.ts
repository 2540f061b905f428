import { Place, type Program } from './program.ts';

/** Fills the buffer with 64 KiB of numbers that are no pattern; changes EAX, ECX, EDI. */
const fill = (name: string): string => `
        mov edi, ${Place.buffer}
        mov ecx, 16384
        mov eax, 12345
${name}_fill:
        imul eax, eax, 0x41c64e6d
        add eax, 12345
        mov [edi], eax
        add edi, 4
        dec ecx
        jnz ${name}_fill
`;

/** Packed integers: sums, products, shuffles, saturation over 64 KiB. */
const packedInteger = `
run_sse2_integer:
${fill('packed_integer')}
        mov ebp, 4000
        pxor xmm7, xmm7
        pxor xmm6, xmm6
packed_round:
        mov esi, ${Place.buffer}
        mov ecx, 1024
packed_next:
        movdqa xmm0, [esi]
        movdqa xmm1, [esi + 16]
        movdqu xmm2, [esi + 32]
        movdqa xmm3, [esi + 48]
        paddd xmm7, xmm0
        pmuludq xmm0, xmm1
        pxor xmm7, xmm0
        pmullw xmm1, xmm2
        paddusb xmm6, xmm1
        pshufd xmm2, xmm2, 0x4e
        psubw xmm6, xmm2
        punpcklbw xmm3, xmm0
        pslld xmm3, 3
        paddd xmm7, xmm3
        pcmpgtd xmm2, xmm7
        pand xmm2, xmm3
        pxor xmm6, xmm2
        add esi, 64
        dec ecx
        jnz packed_next
        dec ebp
        jnz packed_round
        pxor xmm7, xmm6
        pshufd xmm6, xmm7, 0xee
        pxor xmm7, xmm6
        pshufd xmm6, xmm7, 0x55
        pxor xmm7, xmm6
        movd eax, xmm7
        ret
`;

/** Packed doubles: points of the Mandelbrot set, two at a time. */
const packedDouble = `
run_sse2_double:
        mov eax, 400            ; rows
        xor edi, edi
double_row:
        mov ebx, 200            ; pairs of columns
double_pair:
        cvtsi2sd xmm0, ebx
        addsd xmm0, xmm0
        movsd xmm1, xmm0
        subsd xmm1, [double_one]
        unpcklpd xmm0, xmm1
        mulpd xmm0, [double_scale]
        subpd xmm0, [double_left]       ; x
        cvtsi2sd xmm1, eax
        unpcklpd xmm1, xmm1
        mulpd xmm1, [double_scale]
        subpd xmm1, [double_top]        ; y
        pxor xmm2, xmm2                 ; re
        pxor xmm3, xmm3                 ; im
        mov ecx, 100
double_step:
        movapd xmm4, xmm2
        mulpd xmm4, xmm2
        movapd xmm5, xmm3
        mulpd xmm5, xmm3
        mulpd xmm3, xmm2
        addpd xmm3, xmm3
        addpd xmm3, xmm1
        movapd xmm2, xmm4
        subpd xmm2, xmm5
        addpd xmm2, xmm0
        addpd xmm4, xmm5
        cmppd xmm4, [double_four], 2
        movmskpd edx, xmm4
        add edi, edx
        test edx, edx
        jz double_out
        dec ecx
        jnz double_step
double_out:
        dec ebx
        jnz double_pair
        dec eax
        jnz double_row
        mov eax, edi
        ret
        align 16
double_one: dq 0x3ff0000000000000
        dq 0
double_scale: dq 0x3f7eb851eb851eb8, 0x3f7eb851eb851eb8   ; 0.0075
double_left: dq 0x4000000000000000, 0x4000000000000000    ; 2
double_top: dq 0x3ff8000000000000, 0x3ff8000000000000     ; 1.5
double_four: dq 0x4010000000000000, 0x4010000000000000    ; 4
`;

/** Packed singles: a multiply-add of two vectors of 4,096, with a square root and a minimum. */
const packedSingle = `
run_sse_single:
        mov ecx, 4096
        mov edi, ${Place.buffer}
single_fill:
        cvtsi2ss xmm0, ecx
        mulss xmm0, [single_small]
        movss [edi], xmm0
        movss [edi + 0x10000], xmm0
        add edi, 4
        dec ecx
        jnz single_fill
        mov ebp, 20000
        xorps xmm7, xmm7
single_round:
        mov esi, ${Place.buffer}
        mov ecx, 512
single_next:
        movaps xmm0, [esi]
        movaps xmm1, [esi + 16]
        mulps xmm0, [single_factor]
        addps xmm0, [esi + 0x10000]
        sqrtps xmm1, xmm1
        minps xmm0, xmm1
        movaps [esi + 0x10000], xmm0
        addps xmm7, xmm0
        movups xmm2, [esi + 16]
        subps xmm2, xmm0
        maxps xmm7, xmm2
        add esi, 32
        dec ecx
        jnz single_next
        dec ebp
        jnz single_round
        movd eax, xmm7
        ret
        align 16
single_factor: dd 0x3f000000, 0x3e800000, 0x3f400000, 0x3f200000
single_small: dd 0x3a83126f
`;

/** Scalar doubles, as compilers write them: logistic maps, with conversion and comparison. */
const scalarDouble = `
run_sse2_scalar:
        movsd xmm0, [scalar_start]
        movsd xmm3, [scalar_rate]
        movsd xmm4, [scalar_unit]
        mov ecx, 40000000
        xor eax, eax
scalar_next:
        movsd xmm1, xmm4
        subsd xmm1, xmm0
        mulsd xmm0, xmm1
        mulsd xmm0, xmm3
        ucomisd xmm0, [scalar_half]
        adc eax, 0
        dec ecx
        jnz scalar_next
        movsd [${Place.buffer}], xmm0
        xor eax, [${Place.buffer}]
        xor eax, [${Place.buffer} + 4]
        ret
        align 8
scalar_start: dq 0x3fd3333333333333   ; 0.3
scalar_rate: dq 0x400fae147ae147ae    ; 3.96
scalar_unit: dq 0x3ff0000000000000
scalar_half: dq 0x3fe0000000000000
`;

/** SSE and SSE2 kernels. */
export const vectorPrograms: readonly Program[] = [
  { name: 'sse2-integer', cpuBound: true, text: packedInteger },
  { name: 'sse2-double', cpuBound: true, text: packedDouble },
  { name: 'sse-single', cpuBound: true, text: packedSingle },
  { name: 'sse2-scalar', cpuBound: true, text: scalarDouble },
];
