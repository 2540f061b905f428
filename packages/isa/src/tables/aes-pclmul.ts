/** AES and carry-less multiplication: SDM vol. 1, 5.12. */
export const aesPclmul = `
AESIMC          | Vdq:w, Wdq      | 66 0F 38 DB /r |  |  | AES
AESENC          | Vdq:rw, Wdq     | 66 0F 38 DC /r |  |  | AES
AESENCLAST      | Vdq:rw, Wdq     | 66 0F 38 DD /r |  |  | AES
AESDEC          | Vdq:rw, Wdq     | 66 0F 38 DE /r |  |  | AES
AESDECLAST      | Vdq:rw, Wdq     | 66 0F 38 DF /r |  |  | AES
AESKEYGENASSIST | Vdq:w, Wdq, Ib  | 66 0F 3A DF /r |  |  | AES
PCLMULQDQ       | Vdq:rw, Wdq, Ib | 66 0F 3A 44 /r |  |  | PCLMULQDQ
`;
