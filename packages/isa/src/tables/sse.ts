/** SSE: SDM vol. 1, 5.5; opcodes from vol. 2D, A.3. */
export const sse = `
SQRTPS   | Vdq:w, Wdq      | NP 0F 51 /r |  |             | SSE
SQRTSS   | Vdq:rw, Wd      | F3 0F 51 /r |  |             | SSE
ADDPS    | Vdq:rw, Wdq     | NP 0F 58 /r |  |             | SSE
ADDSS    | Vdq:rw, Wd      | F3 0F 58 /r |  |             | SSE
MULPS    | Vdq:rw, Wdq     | NP 0F 59 /r |  |             | SSE
MULSS    | Vdq:rw, Wd      | F3 0F 59 /r |  |             | SSE
SUBPS    | Vdq:rw, Wdq     | NP 0F 5C /r |  |             | SSE
SUBSS    | Vdq:rw, Wd      | F3 0F 5C /r |  |             | SSE
MINPS    | Vdq:rw, Wdq     | NP 0F 5D /r |  |             | SSE
MINSS    | Vdq:rw, Wd      | F3 0F 5D /r |  |             | SSE
DIVPS    | Vdq:rw, Wdq     | NP 0F 5E /r |  |             | SSE
DIVSS    | Vdq:rw, Wd      | F3 0F 5E /r |  |             | SSE
MAXPS    | Vdq:rw, Wdq     | NP 0F 5F /r |  |             | SSE
MAXSS    | Vdq:rw, Wd      | F3 0F 5F /r |  |             | SSE
RSQRTPS  | Vdq:w, Wdq      | NP 0F 52 /r |  |             | SSE
RSQRTSS  | Vdq:rw, Wd      | F3 0F 52 /r |  |             | SSE
RCPPS    | Vdq:w, Wdq      | NP 0F 53 /r |  |             | SSE
RCPSS    | Vdq:rw, Wd      | F3 0F 53 /r |  |             | SSE
ANDPS    | Vdq:rw, Wdq     | NP 0F 54 /r |  |             | SSE
ANDNPS   | Vdq:rw, Wdq     | NP 0F 55 /r |  |             | SSE
ORPS     | Vdq:rw, Wdq     | NP 0F 56 /r |  |             | SSE
XORPS    | Vdq:rw, Wdq     | NP 0F 57 /r |  |             | SSE
UNPCKLPS | Vdq:rw, Wdq     | NP 0F 14 /r |  |             | SSE
UNPCKHPS | Vdq:rw, Wdq     | NP 0F 15 /r |  |             | SSE
UCOMISS  | Vd, Wd          | NP 0F 2E /r |  | w:zpc 0:osa | SSE
COMISS   | Vd, Wd          | NP 0F 2F /r |  | w:zpc 0:osa | SSE
CMPPS    | Vdq:rw, Wdq, Ib | NP 0F C2 /r |  |             | SSE
CMPSS    | Vdq:rw, Wd, Ib  | F3 0F C2 /r |  |             | SSE
SHUFPS   | Vdq:rw, Wdq, Ib | NP 0F C6 /r |  |             | SSE

MOVUPS    | Vdq:w, Wdq  | NP 0F 10 /r |  |  | SSE
MOVUPS    | Wdq:w, Vdq  | NP 0F 11 /r |  |  | SSE
# MOVSS and MOVSD clear the rest of the destination when the source is memory and keep it otherwise.
MOVSS     | Vdq:rw, Ud  | F3 0F 10 /r |  |  | SSE
MOVSS     | Vdq:w, Md   | F3 0F 10 /r |  |  | SSE
MOVSS     | Ud:rw, Vdq  | F3 0F 11 /r |  |  | SSE
MOVSS     | Md:w, Vdq   | F3 0F 11 /r |  |  | SSE
MOVAPS    | Vdq:w, Wdq  | NP 0F 28 /r |  |  | SSE
MOVAPS    | Wdq:w, Vdq  | NP 0F 29 /r |  |  | SSE
MOVLPS    | Vdq:rw, Mq  | NP 0F 12 /r |  |  | SSE
MOVHLPS   | Vdq:rw, Udq | NP 0F 12 /r |  |  | SSE
MOVLPS    | Mq:w, Vdq   | NP 0F 13 /r |  |  | SSE
MOVHPS    | Vdq:rw, Mq  | NP 0F 16 /r |  |  | SSE
MOVLHPS   | Vdq:rw, Udq | NP 0F 16 /r |  |  | SSE
MOVHPS    | Mq:w, Vdq   | NP 0F 17 /r |  |  | SSE
MOVNTPS   | Mdq:w, Vdq  | NP 0F 2B /r |  |  | SSE
MOVMSKPS  | Gy:w, Udq   | NP 0F 50 /r |  |  | SSE
CVTPI2PS  | Vdq:rw, Qq  | NP 0F 2A /r |  |  | SSE
CVTSI2SS  | Vdq:rw, Ey  | F3 0F 2A /r |  |  | SSE
CVTTPS2PI | Pq:w, Wq    | NP 0F 2C /r |  |  | SSE
CVTTSS2SI | Gy:w, Wd    | F3 0F 2C /r |  |  | SSE
CVTPS2PI  | Pq:w, Wq    | NP 0F 2D /r |  |  | SSE
CVTSS2SI  | Gy:w, Wd    | F3 0F 2D /r |  |  | SSE
LDMXCSR   | Md          | NP 0F AE /2 |  |  | SSE
STMXCSR   | Md:w        | NP 0F AE /3 |  |  | SSE
`;
