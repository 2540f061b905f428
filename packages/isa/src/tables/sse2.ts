/** SSE2: SDM vol. 1, 5.6; opcodes from vol. 2D, A.3. */
export const sse2 = `
PUNPCKLBW  | Vdq:rw, Wdq | 66 0F 60 /r |  |  | SSE2
PUNPCKLWD  | Vdq:rw, Wdq | 66 0F 61 /r |  |  | SSE2
PUNPCKLDQ  | Vdq:rw, Wdq | 66 0F 62 /r |  |  | SSE2
PACKSSWB   | Vdq:rw, Wdq | 66 0F 63 /r |  |  | SSE2
PCMPGTB    | Vdq:rw, Wdq | 66 0F 64 /r |  |  | SSE2
PCMPGTW    | Vdq:rw, Wdq | 66 0F 65 /r |  |  | SSE2
PCMPGTD    | Vdq:rw, Wdq | 66 0F 66 /r |  |  | SSE2
PACKUSWB   | Vdq:rw, Wdq | 66 0F 67 /r |  |  | SSE2
PUNPCKHBW  | Vdq:rw, Wdq | 66 0F 68 /r |  |  | SSE2
PUNPCKHWD  | Vdq:rw, Wdq | 66 0F 69 /r |  |  | SSE2
PUNPCKHDQ  | Vdq:rw, Wdq | 66 0F 6A /r |  |  | SSE2
PACKSSDW   | Vdq:rw, Wdq | 66 0F 6B /r |  |  | SSE2
PCMPEQB    | Vdq:rw, Wdq | 66 0F 74 /r |  |  | SSE2
PCMPEQW    | Vdq:rw, Wdq | 66 0F 75 /r |  |  | SSE2
PCMPEQD    | Vdq:rw, Wdq | 66 0F 76 /r |  |  | SSE2
PSRLW      | Vdq:rw, Wdq | 66 0F D1 /r |  |  | SSE2
PSRLD      | Vdq:rw, Wdq | 66 0F D2 /r |  |  | SSE2
PSRLQ      | Vdq:rw, Wdq | 66 0F D3 /r |  |  | SSE2
PADDQ      | Vdq:rw, Wdq | 66 0F D4 /r |  |  | SSE2
PMULLW     | Vdq:rw, Wdq | 66 0F D5 /r |  |  | SSE2
PSUBUSB    | Vdq:rw, Wdq | 66 0F D8 /r |  |  | SSE2
PSUBUSW    | Vdq:rw, Wdq | 66 0F D9 /r |  |  | SSE2
PMINUB     | Vdq:rw, Wdq | 66 0F DA /r |  |  | SSE2
PAND       | Vdq:rw, Wdq | 66 0F DB /r |  |  | SSE2
PADDUSB    | Vdq:rw, Wdq | 66 0F DC /r |  |  | SSE2
PADDUSW    | Vdq:rw, Wdq | 66 0F DD /r |  |  | SSE2
PMAXUB     | Vdq:rw, Wdq | 66 0F DE /r |  |  | SSE2
PANDN      | Vdq:rw, Wdq | 66 0F DF /r |  |  | SSE2
PAVGB      | Vdq:rw, Wdq | 66 0F E0 /r |  |  | SSE2
PSRAW      | Vdq:rw, Wdq | 66 0F E1 /r |  |  | SSE2
PSRAD      | Vdq:rw, Wdq | 66 0F E2 /r |  |  | SSE2
PAVGW      | Vdq:rw, Wdq | 66 0F E3 /r |  |  | SSE2
PMULHUW    | Vdq:rw, Wdq | 66 0F E4 /r |  |  | SSE2
PMULHW     | Vdq:rw, Wdq | 66 0F E5 /r |  |  | SSE2
PSUBSB     | Vdq:rw, Wdq | 66 0F E8 /r |  |  | SSE2
PSUBSW     | Vdq:rw, Wdq | 66 0F E9 /r |  |  | SSE2
PMINSW     | Vdq:rw, Wdq | 66 0F EA /r |  |  | SSE2
POR        | Vdq:rw, Wdq | 66 0F EB /r |  |  | SSE2
PADDSB     | Vdq:rw, Wdq | 66 0F EC /r |  |  | SSE2
PADDSW     | Vdq:rw, Wdq | 66 0F ED /r |  |  | SSE2
PMAXSW     | Vdq:rw, Wdq | 66 0F EE /r |  |  | SSE2
PXOR       | Vdq:rw, Wdq | 66 0F EF /r |  |  | SSE2
PSLLW      | Vdq:rw, Wdq | 66 0F F1 /r |  |  | SSE2
PSLLD      | Vdq:rw, Wdq | 66 0F F2 /r |  |  | SSE2
PSLLQ      | Vdq:rw, Wdq | 66 0F F3 /r |  |  | SSE2
PMULUDQ    | Vdq:rw, Wdq | 66 0F F4 /r |  |  | SSE2
PMADDWD    | Vdq:rw, Wdq | 66 0F F5 /r |  |  | SSE2
PSADBW     | Vdq:rw, Wdq | 66 0F F6 /r |  |  | SSE2
PSUBB      | Vdq:rw, Wdq | 66 0F F8 /r |  |  | SSE2
PSUBW      | Vdq:rw, Wdq | 66 0F F9 /r |  |  | SSE2
PSUBD      | Vdq:rw, Wdq | 66 0F FA /r |  |  | SSE2
PSUBQ      | Vdq:rw, Wdq | 66 0F FB /r |  |  | SSE2
PADDB      | Vdq:rw, Wdq | 66 0F FC /r |  |  | SSE2
PADDW      | Vdq:rw, Wdq | 66 0F FD /r |  |  | SSE2
PADDD      | Vdq:rw, Wdq | 66 0F FE /r |  |  | SSE2
PUNPCKLQDQ | Vdq:rw, Wdq | 66 0F 6C /r |  |  | SSE2
PUNPCKHQDQ | Vdq:rw, Wdq | 66 0F 6D /r |  |  | SSE2

PSRLW  | Udq:rw, Ib | 66 0F 71 /2 |  |  | SSE2
PSRAW  | Udq:rw, Ib | 66 0F 71 /4 |  |  | SSE2
PSLLW  | Udq:rw, Ib | 66 0F 71 /6 |  |  | SSE2
PSRLD  | Udq:rw, Ib | 66 0F 72 /2 |  |  | SSE2
PSRAD  | Udq:rw, Ib | 66 0F 72 /4 |  |  | SSE2
PSLLD  | Udq:rw, Ib | 66 0F 72 /6 |  |  | SSE2
PSRLQ  | Udq:rw, Ib | 66 0F 73 /2 |  |  | SSE2
PSRLDQ | Udq:rw, Ib | 66 0F 73 /3 |  |  | SSE2
PSLLQ  | Udq:rw, Ib | 66 0F 73 /6 |  |  | SSE2
PSLLDQ | Udq:rw, Ib | 66 0F 73 /7 |  |  | SSE2

MOVD/MOVD/MOVQ | Vdq:w, Ey         | 66 0F 6E /r |  |  | SSE2
MOVD/MOVD/MOVQ | Ey:w, Vdq         | 66 0F 7E /r |  |  | SSE2
MOVQ       | Vdq:w, Wq         | F3 0F 7E /r |  |  | SSE2
MOVQ       | Wq:w, Vdq         | 66 0F D6 /r |  |  | SSE2
MOVQ2DQ    | Vdq:w, Nq         | F3 0F D6 /r |  |  | SSE2
MOVDQ2Q    | Pq:w, Uq          | F2 0F D6 /r |  |  | SSE2
MOVDQA     | Vdq:w, Wdq        | 66 0F 6F /r |  |  | SSE2
MOVDQA     | Wdq:w, Vdq        | 66 0F 7F /r |  |  | SSE2
MOVDQU     | Vdq:w, Wdq        | F3 0F 6F /r |  |  | SSE2
MOVDQU     | Wdq:w, Vdq        | F3 0F 7F /r |  |  | SSE2
MOVNTDQ    | Mdq:w, Vdq        | 66 0F E7 /r |  |  | SSE2
PSHUFD     | Vdq:w, Wdq, Ib    | 66 0F 70 /r |  |  | SSE2
PSHUFHW    | Vdq:w, Wdq, Ib    | F3 0F 70 /r |  |  | SSE2
PSHUFLW    | Vdq:w, Wdq, Ib    | F2 0F 70 /r |  |  | SSE2
PINSRW     | Vdq:rw, Ry/Mw, Ib | 66 0F C4 /r |  |  | SSE2
PEXTRW     | Gy:w, Udq, Ib     | 66 0F C5 /r |  |  | SSE2
PMOVMSKB   | Gy:w, Udq         | 66 0F D7 /r |  |  | SSE2
MASKMOVDQU | DIdq:rw, Vdq, Udq | 66 0F F7 /r |  |  | SSE2

SQRTPD   | Vdq:w, Wdq      | 66 0F 51 /r |  |             | SSE2
SQRTSD   | Vdq:rw, Wq      | F2 0F 51 /r |  |             | SSE2
ADDPD    | Vdq:rw, Wdq     | 66 0F 58 /r |  |             | SSE2
ADDSD    | Vdq:rw, Wq      | F2 0F 58 /r |  |             | SSE2
MULPD    | Vdq:rw, Wdq     | 66 0F 59 /r |  |             | SSE2
MULSD    | Vdq:rw, Wq      | F2 0F 59 /r |  |             | SSE2
SUBPD    | Vdq:rw, Wdq     | 66 0F 5C /r |  |             | SSE2
SUBSD    | Vdq:rw, Wq      | F2 0F 5C /r |  |             | SSE2
MINPD    | Vdq:rw, Wdq     | 66 0F 5D /r |  |             | SSE2
MINSD    | Vdq:rw, Wq      | F2 0F 5D /r |  |             | SSE2
DIVPD    | Vdq:rw, Wdq     | 66 0F 5E /r |  |             | SSE2
DIVSD    | Vdq:rw, Wq      | F2 0F 5E /r |  |             | SSE2
MAXPD    | Vdq:rw, Wdq     | 66 0F 5F /r |  |             | SSE2
MAXSD    | Vdq:rw, Wq      | F2 0F 5F /r |  |             | SSE2
ANDPD    | Vdq:rw, Wdq     | 66 0F 54 /r |  |             | SSE2
ANDNPD   | Vdq:rw, Wdq     | 66 0F 55 /r |  |             | SSE2
ORPD     | Vdq:rw, Wdq     | 66 0F 56 /r |  |             | SSE2
XORPD    | Vdq:rw, Wdq     | 66 0F 57 /r |  |             | SSE2
UNPCKLPD | Vdq:rw, Wdq     | 66 0F 14 /r |  |             | SSE2
UNPCKHPD | Vdq:rw, Wdq     | 66 0F 15 /r |  |             | SSE2
UCOMISD  | Vq, Wq          | 66 0F 2E /r |  | w:zpc 0:osa | SSE2
COMISD   | Vq, Wq          | 66 0F 2F /r |  | w:zpc 0:osa | SSE2
CMPPD    | Vdq:rw, Wdq, Ib | 66 0F C2 /r |  |             | SSE2
CMPSD    | Vdq:rw, Wq, Ib  | F2 0F C2 /r |  |             | SSE2
SHUFPD   | Vdq:rw, Wdq, Ib | 66 0F C6 /r |  |             | SSE2

MOVUPD    | Vdq:w, Wdq | 66 0F 10 /r |  |  | SSE2
MOVUPD    | Wdq:w, Vdq | 66 0F 11 /r |  |  | SSE2
MOVSD     | Vdq:rw, Uq | F2 0F 10 /r |  |  | SSE2
MOVSD     | Vdq:w, Mq  | F2 0F 10 /r |  |  | SSE2
MOVSD     | Uq:rw, Vdq | F2 0F 11 /r |  |  | SSE2
MOVSD     | Mq:w, Vdq  | F2 0F 11 /r |  |  | SSE2
MOVAPD    | Vdq:w, Wdq | 66 0F 28 /r |  |  | SSE2
MOVAPD    | Wdq:w, Vdq | 66 0F 29 /r |  |  | SSE2
MOVLPD    | Vdq:rw, Mq | 66 0F 12 /r |  |  | SSE2
MOVLPD    | Mq:w, Vdq  | 66 0F 13 /r |  |  | SSE2
MOVHPD    | Vdq:rw, Mq | 66 0F 16 /r |  |  | SSE2
MOVHPD    | Mq:w, Vdq  | 66 0F 17 /r |  |  | SSE2
MOVNTPD   | Mdq:w, Vdq | 66 0F 2B /r |  |  | SSE2
MOVMSKPD  | Gy:w, Udq  | 66 0F 50 /r |  |  | SSE2
CVTPI2PD  | Vdq:w, Qq  | 66 0F 2A /r |  |  | SSE2
CVTSI2SD  | Vdq:rw, Ey | F2 0F 2A /r |  |  | SSE2
CVTTPD2PI | Pq:w, Wdq  | 66 0F 2C /r |  |  | SSE2
CVTTSD2SI | Gy:w, Wq   | F2 0F 2C /r |  |  | SSE2
CVTPD2PI  | Pq:w, Wdq  | 66 0F 2D /r |  |  | SSE2
CVTSD2SI  | Gy:w, Wq   | F2 0F 2D /r |  |  | SSE2
CVTPS2PD  | Vdq:w, Wq  | NP 0F 5A /r |  |  | SSE2
CVTPD2PS  | Vdq:w, Wdq | 66 0F 5A /r |  |  | SSE2
CVTSS2SD  | Vdq:rw, Wd | F3 0F 5A /r |  |  | SSE2
CVTSD2SS  | Vdq:rw, Wq | F2 0F 5A /r |  |  | SSE2
CVTDQ2PS  | Vdq:w, Wdq | NP 0F 5B /r |  |  | SSE2
CVTPS2DQ  | Vdq:w, Wdq | 66 0F 5B /r |  |  | SSE2
CVTTPS2DQ | Vdq:w, Wdq | F3 0F 5B /r |  |  | SSE2
CVTTPD2DQ | Vdq:w, Wdq | 66 0F E6 /r |  |  | SSE2
CVTDQ2PD  | Vdq:w, Wq  | F3 0F E6 /r |  |  | SSE2
CVTPD2DQ  | Vdq:w, Wdq | F2 0F E6 /r |  |  | SSE2
`;
