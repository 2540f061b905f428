/** MMX, with the MMX-register forms that SSE and SSE2 added: SDM vol. 1, 5.4, 5.5.3, 5.6.3. */
export const mmx = `
PUNPCKLBW | Pq:rw, Qd | NP 0F 60 /r |  |  | MMX
PUNPCKLWD | Pq:rw, Qd | NP 0F 61 /r |  |  | MMX
PUNPCKLDQ | Pq:rw, Qd | NP 0F 62 /r |  |  | MMX
PACKSSWB  | Pq:rw, Qq | NP 0F 63 /r |  |  | MMX
PCMPGTB   | Pq:rw, Qq | NP 0F 64 /r |  |  | MMX
PCMPGTW   | Pq:rw, Qq | NP 0F 65 /r |  |  | MMX
PCMPGTD   | Pq:rw, Qq | NP 0F 66 /r |  |  | MMX
PACKUSWB  | Pq:rw, Qq | NP 0F 67 /r |  |  | MMX
PUNPCKHBW | Pq:rw, Qq | NP 0F 68 /r |  |  | MMX
PUNPCKHWD | Pq:rw, Qq | NP 0F 69 /r |  |  | MMX
PUNPCKHDQ | Pq:rw, Qq | NP 0F 6A /r |  |  | MMX
PACKSSDW  | Pq:rw, Qq | NP 0F 6B /r |  |  | MMX
PCMPEQB   | Pq:rw, Qq | NP 0F 74 /r |  |  | MMX
PCMPEQW   | Pq:rw, Qq | NP 0F 75 /r |  |  | MMX
PCMPEQD   | Pq:rw, Qq | NP 0F 76 /r |  |  | MMX
PSRLW     | Pq:rw, Qq | NP 0F D1 /r |  |  | MMX
PSRLD     | Pq:rw, Qq | NP 0F D2 /r |  |  | MMX
PSRLQ     | Pq:rw, Qq | NP 0F D3 /r |  |  | MMX
PADDQ     | Pq:rw, Qq | NP 0F D4 /r |  |  | SSE2
PMULLW    | Pq:rw, Qq | NP 0F D5 /r |  |  | MMX
PSUBUSB   | Pq:rw, Qq | NP 0F D8 /r |  |  | MMX
PSUBUSW   | Pq:rw, Qq | NP 0F D9 /r |  |  | MMX
PMINUB    | Pq:rw, Qq | NP 0F DA /r |  |  | SSE
PAND      | Pq:rw, Qq | NP 0F DB /r |  |  | MMX
PADDUSB   | Pq:rw, Qq | NP 0F DC /r |  |  | MMX
PADDUSW   | Pq:rw, Qq | NP 0F DD /r |  |  | MMX
PMAXUB    | Pq:rw, Qq | NP 0F DE /r |  |  | SSE
PANDN     | Pq:rw, Qq | NP 0F DF /r |  |  | MMX
PAVGB     | Pq:rw, Qq | NP 0F E0 /r |  |  | SSE
PSRAW     | Pq:rw, Qq | NP 0F E1 /r |  |  | MMX
PSRAD     | Pq:rw, Qq | NP 0F E2 /r |  |  | MMX
PAVGW     | Pq:rw, Qq | NP 0F E3 /r |  |  | SSE
PMULHUW   | Pq:rw, Qq | NP 0F E4 /r |  |  | SSE
PMULHW    | Pq:rw, Qq | NP 0F E5 /r |  |  | MMX
PSUBSB    | Pq:rw, Qq | NP 0F E8 /r |  |  | MMX
PSUBSW    | Pq:rw, Qq | NP 0F E9 /r |  |  | MMX
PMINSW    | Pq:rw, Qq | NP 0F EA /r |  |  | SSE
POR       | Pq:rw, Qq | NP 0F EB /r |  |  | MMX
PADDSB    | Pq:rw, Qq | NP 0F EC /r |  |  | MMX
PADDSW    | Pq:rw, Qq | NP 0F ED /r |  |  | MMX
PMAXSW    | Pq:rw, Qq | NP 0F EE /r |  |  | SSE
PXOR      | Pq:rw, Qq | NP 0F EF /r |  |  | MMX
PSLLW     | Pq:rw, Qq | NP 0F F1 /r |  |  | MMX
PSLLD     | Pq:rw, Qq | NP 0F F2 /r |  |  | MMX
PSLLQ     | Pq:rw, Qq | NP 0F F3 /r |  |  | MMX
PMULUDQ   | Pq:rw, Qq | NP 0F F4 /r |  |  | SSE2
PMADDWD   | Pq:rw, Qq | NP 0F F5 /r |  |  | MMX
PSADBW    | Pq:rw, Qq | NP 0F F6 /r |  |  | SSE
PSUBB     | Pq:rw, Qq | NP 0F F8 /r |  |  | MMX
PSUBW     | Pq:rw, Qq | NP 0F F9 /r |  |  | MMX
PSUBD     | Pq:rw, Qq | NP 0F FA /r |  |  | MMX
PSUBQ     | Pq:rw, Qq | NP 0F FB /r |  |  | SSE2
PADDB     | Pq:rw, Qq | NP 0F FC /r |  |  | MMX
PADDW     | Pq:rw, Qq | NP 0F FD /r |  |  | MMX
PADDD     | Pq:rw, Qq | NP 0F FE /r |  |  | MMX

PSRLW | Nq:rw, Ib | NP 0F 71 /2 |  |  | MMX
PSRAW | Nq:rw, Ib | NP 0F 71 /4 |  |  | MMX
PSLLW | Nq:rw, Ib | NP 0F 71 /6 |  |  | MMX
PSRLD | Nq:rw, Ib | NP 0F 72 /2 |  |  | MMX
PSRAD | Nq:rw, Ib | NP 0F 72 /4 |  |  | MMX
PSLLD | Nq:rw, Ib | NP 0F 72 /6 |  |  | MMX
PSRLQ | Nq:rw, Ib | NP 0F 73 /2 |  |  | MMX
PSLLQ | Nq:rw, Ib | NP 0F 73 /6 |  |  | MMX

MOVD/MOVD/MOVQ | Pq:w, Ey         | NP 0F 6E /r |  |  | MMX
MOVD/MOVD/MOVQ | Ey:w, Pq         | NP 0F 7E /r |  |  | MMX
MOVQ     | Pq:w, Qq         | NP 0F 6F /r |  |  | MMX
MOVQ     | Qq:w, Pq         | NP 0F 7F /r |  |  | MMX
EMMS     |                  | NP 0F 77    |  |  | MMX
PSHUFW   | Pq:w, Qq, Ib     | NP 0F 70 /r |  |  | SSE
PINSRW   | Pq:rw, Ry/Mw, Ib | NP 0F C4 /r |  |  | SSE
PEXTRW   | Gy:w, Nq, Ib     | NP 0F C5 /r |  |  | SSE
PMOVMSKB | Gy:w, Nq         | NP 0F D7 /r |  |  | SSE
MASKMOVQ | DIq:rw, Pq, Nq   | NP 0F F7 /r |  |  | SSE
MOVNTQ   | Mq:w, Pq         | NP 0F E7 /r |  |  | SSE
`;
