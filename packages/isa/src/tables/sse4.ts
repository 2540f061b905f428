/** SSE4.1 and SSE4.2: SDM vol. 1, 5.10 and 5.11; opcodes from vol. 2D, A.3. */
export const sse4 = `
PBLENDVB   | Vdq:rw, Wdq, XMM0 | 66 0F 38 10 /r |  |             | SSE4.1
BLENDVPS   | Vdq:rw, Wdq, XMM0 | 66 0F 38 14 /r |  |             | SSE4.1
BLENDVPD   | Vdq:rw, Wdq, XMM0 | 66 0F 38 15 /r |  |             | SSE4.1
PTEST      | Vdq, Wdq          | 66 0F 38 17 /r |  | w:zc 0:osap | SSE4.1
PMOVSXBW   | Vdq:w, Wq         | 66 0F 38 20 /r |  |             | SSE4.1
PMOVZXBW   | Vdq:w, Wq         | 66 0F 38 30 /r |  |             | SSE4.1
PMOVSXBD   | Vdq:w, Wd         | 66 0F 38 21 /r |  |             | SSE4.1
PMOVZXBD   | Vdq:w, Wd         | 66 0F 38 31 /r |  |             | SSE4.1
PMOVSXBQ   | Vdq:w, Ww         | 66 0F 38 22 /r |  |             | SSE4.1
PMOVZXBQ   | Vdq:w, Ww         | 66 0F 38 32 /r |  |             | SSE4.1
PMOVSXWD   | Vdq:w, Wq         | 66 0F 38 23 /r |  |             | SSE4.1
PMOVZXWD   | Vdq:w, Wq         | 66 0F 38 33 /r |  |             | SSE4.1
PMOVSXWQ   | Vdq:w, Wd         | 66 0F 38 24 /r |  |             | SSE4.1
PMOVZXWQ   | Vdq:w, Wd         | 66 0F 38 34 /r |  |             | SSE4.1
PMOVSXDQ   | Vdq:w, Wq         | 66 0F 38 25 /r |  |             | SSE4.1
PMOVZXDQ   | Vdq:w, Wq         | 66 0F 38 35 /r |  |             | SSE4.1
PMULDQ     | Vdq:rw, Wdq       | 66 0F 38 28 /r |  |             | SSE4.1
PCMPEQQ    | Vdq:rw, Wdq       | 66 0F 38 29 /r |  |             | SSE4.1
PACKUSDW   | Vdq:rw, Wdq       | 66 0F 38 2B /r |  |             | SSE4.1
PCMPGTQ    | Vdq:rw, Wdq       | 66 0F 38 37 /r |  |             | SSE4.2
PMINSB     | Vdq:rw, Wdq       | 66 0F 38 38 /r |  |             | SSE4.1
PMINSD     | Vdq:rw, Wdq       | 66 0F 38 39 /r |  |             | SSE4.1
PMINUW     | Vdq:rw, Wdq       | 66 0F 38 3A /r |  |             | SSE4.1
PMINUD     | Vdq:rw, Wdq       | 66 0F 38 3B /r |  |             | SSE4.1
PMAXSB     | Vdq:rw, Wdq       | 66 0F 38 3C /r |  |             | SSE4.1
PMAXSD     | Vdq:rw, Wdq       | 66 0F 38 3D /r |  |             | SSE4.1
PMAXUW     | Vdq:rw, Wdq       | 66 0F 38 3E /r |  |             | SSE4.1
PMAXUD     | Vdq:rw, Wdq       | 66 0F 38 3F /r |  |             | SSE4.1
PMULLD     | Vdq:rw, Wdq       | 66 0F 38 40 /r |  |             | SSE4.1
MOVNTDQA   | Vdq:w, Mdq        | 66 0F 38 2A /r |  |             | SSE4.1
PHMINPOSUW | Vdq:w, Wdq        | 66 0F 38 41 /r |  |             | SSE4.1

ROUNDPS   | Vdq:w, Wdq, Ib    | 66 0F 3A 08 /r |  |             | SSE4.1
ROUNDPD   | Vdq:w, Wdq, Ib    | 66 0F 3A 09 /r |  |             | SSE4.1
ROUNDSS   | Vdq:rw, Wd, Ib    | 66 0F 3A 0A /r |  |             | SSE4.1
ROUNDSD   | Vdq:rw, Wq, Ib    | 66 0F 3A 0B /r |  |             | SSE4.1
BLENDPS   | Vdq:rw, Wdq, Ib   | 66 0F 3A 0C /r |  |             | SSE4.1
BLENDPD   | Vdq:rw, Wdq, Ib   | 66 0F 3A 0D /r |  |             | SSE4.1
PBLENDW   | Vdq:rw, Wdq, Ib   | 66 0F 3A 0E /r |  |             | SSE4.1
INSERTPS  | Vdq:rw, Wd, Ib    | 66 0F 3A 21 /r |  |             | SSE4.1
DPPS      | Vdq:rw, Wdq, Ib   | 66 0F 3A 40 /r |  |             | SSE4.1
DPPD      | Vdq:rw, Wdq, Ib   | 66 0F 3A 41 /r |  |             | SSE4.1
MPSADBW   | Vdq:rw, Wdq, Ib   | 66 0F 3A 42 /r |  |             | SSE4.1
PEXTRB    | Ry/Mb:w, Vdq, Ib  | 66 0F 3A 14 /r |  |             | SSE4.1
PEXTRW    | Ry/Mw:w, Vdq, Ib  | 66 0F 3A 15 /r |  |             | SSE4.1
PEXTRD/PEXTRD/PEXTRQ | Ey:w, Vdq, Ib     | 66 0F 3A 16 /r |  |             | SSE4.1
EXTRACTPS | Ry/Md:w, Vdq, Ib  | 66 0F 3A 17 /r |  |             | SSE4.1
PINSRB    | Vdq:rw, Ry/Mb, Ib | 66 0F 3A 20 /r |  |             | SSE4.1
PINSRD/PINSRD/PINSRQ | Vdq:rw, Ey, Ib    | 66 0F 3A 22 /r |  |             | SSE4.1
PCMPESTRM | Vdq, Wdq, Ib      | 66 0F 3A 60 /r |  | w:oszc 0:ap | SSE4.2
PCMPESTRI | Vdq, Wdq, Ib      | 66 0F 3A 61 /r |  | w:oszc 0:ap | SSE4.2
PCMPISTRM | Vdq, Wdq, Ib      | 66 0F 3A 62 /r |  | w:oszc 0:ap | SSE4.2
PCMPISTRI | Vdq, Wdq, Ib      | 66 0F 3A 63 /r |  | w:oszc 0:ap | SSE4.2
`;
