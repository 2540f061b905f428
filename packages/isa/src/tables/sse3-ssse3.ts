/** SSE3 and SSSE3: SDM vol. 1, 5.7 and 5.8; opcodes from vol. 2D, A.3. */
export const sse3Ssse3 = `
MOVSLDUP | Vdq:w, Wdq  | F3 0F 12 /r |  |  | SSE3
MOVSHDUP | Vdq:w, Wdq  | F3 0F 16 /r |  |  | SSE3
MOVDDUP  | Vdq:w, Wq   | F2 0F 12 /r |  |  | SSE3
HADDPD   | Vdq:rw, Wdq | 66 0F 7C /r |  |  | SSE3
HADDPS   | Vdq:rw, Wdq | F2 0F 7C /r |  |  | SSE3
HSUBPD   | Vdq:rw, Wdq | 66 0F 7D /r |  |  | SSE3
HSUBPS   | Vdq:rw, Wdq | F2 0F 7D /r |  |  | SSE3
ADDSUBPD | Vdq:rw, Wdq | 66 0F D0 /r |  |  | SSE3
ADDSUBPS | Vdq:rw, Wdq | F2 0F D0 /r |  |  | SSE3
LDDQU    | Vdq:w, Mdq  | F2 0F F0 /r |  |  | SSE3

PSHUFB    | Pq:rw, Qq       | NP 0F 38 00 /r |  |  | SSSE3
PSHUFB    | Vdq:rw, Wdq     | 66 0F 38 00 /r |  |  | SSSE3
PHADDW    | Pq:rw, Qq       | NP 0F 38 01 /r |  |  | SSSE3
PHADDW    | Vdq:rw, Wdq     | 66 0F 38 01 /r |  |  | SSSE3
PHADDD    | Pq:rw, Qq       | NP 0F 38 02 /r |  |  | SSSE3
PHADDD    | Vdq:rw, Wdq     | 66 0F 38 02 /r |  |  | SSSE3
PHADDSW   | Pq:rw, Qq       | NP 0F 38 03 /r |  |  | SSSE3
PHADDSW   | Vdq:rw, Wdq     | 66 0F 38 03 /r |  |  | SSSE3
PMADDUBSW | Pq:rw, Qq       | NP 0F 38 04 /r |  |  | SSSE3
PMADDUBSW | Vdq:rw, Wdq     | 66 0F 38 04 /r |  |  | SSSE3
PHSUBW    | Pq:rw, Qq       | NP 0F 38 05 /r |  |  | SSSE3
PHSUBW    | Vdq:rw, Wdq     | 66 0F 38 05 /r |  |  | SSSE3
PHSUBD    | Pq:rw, Qq       | NP 0F 38 06 /r |  |  | SSSE3
PHSUBD    | Vdq:rw, Wdq     | 66 0F 38 06 /r |  |  | SSSE3
PHSUBSW   | Pq:rw, Qq       | NP 0F 38 07 /r |  |  | SSSE3
PHSUBSW   | Vdq:rw, Wdq     | 66 0F 38 07 /r |  |  | SSSE3
PSIGNB    | Pq:rw, Qq       | NP 0F 38 08 /r |  |  | SSSE3
PSIGNB    | Vdq:rw, Wdq     | 66 0F 38 08 /r |  |  | SSSE3
PSIGNW    | Pq:rw, Qq       | NP 0F 38 09 /r |  |  | SSSE3
PSIGNW    | Vdq:rw, Wdq     | 66 0F 38 09 /r |  |  | SSSE3
PSIGND    | Pq:rw, Qq       | NP 0F 38 0A /r |  |  | SSSE3
PSIGND    | Vdq:rw, Wdq     | 66 0F 38 0A /r |  |  | SSSE3
PMULHRSW  | Pq:rw, Qq       | NP 0F 38 0B /r |  |  | SSSE3
PMULHRSW  | Vdq:rw, Wdq     | 66 0F 38 0B /r |  |  | SSSE3
PABSB     | Pq:w, Qq        | NP 0F 38 1C /r |  |  | SSSE3
PABSB     | Vdq:w, Wdq      | 66 0F 38 1C /r |  |  | SSSE3
PABSW     | Pq:w, Qq        | NP 0F 38 1D /r |  |  | SSSE3
PABSW     | Vdq:w, Wdq      | 66 0F 38 1D /r |  |  | SSSE3
PABSD     | Pq:w, Qq        | NP 0F 38 1E /r |  |  | SSSE3
PABSD     | Vdq:w, Wdq      | 66 0F 38 1E /r |  |  | SSSE3
PALIGNR   | Pq:rw, Qq, Ib   | NP 0F 3A 0F /r |  |  | SSSE3
PALIGNR   | Vdq:rw, Wdq, Ib | 66 0F 3A 0F /r |  |  | SSSE3
`;
