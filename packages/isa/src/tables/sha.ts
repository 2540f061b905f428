/** SHA: SDM vol. 1, 5.18; opcodes from vol. 2D, A.3. */
export const sha = `
SHA1NEXTE   | Vdq:rw, Wdq       | NP 0F 38 C8 /r |  |  | SHA
SHA1MSG1    | Vdq:rw, Wdq       | NP 0F 38 C9 /r |  |  | SHA
SHA1MSG2    | Vdq:rw, Wdq       | NP 0F 38 CA /r |  |  | SHA
SHA256RNDS2 | Vdq:rw, Wdq, XMM0 | NP 0F 38 CB /r |  |  | SHA
SHA256MSG1  | Vdq:rw, Wdq       | NP 0F 38 CC /r |  |  | SHA
SHA256MSG2  | Vdq:rw, Wdq       | NP 0F 38 CD /r |  |  | SHA
SHA1RNDS4   | Vdq:rw, Wdq, Ib   | NP 0F 3A CC /r |  |  | SHA
`;
