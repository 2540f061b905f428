/** Data transfer and conversion: SDM vol. 1, 5.1.1; opcodes from vol. 2D, A.3. */
export const move = `
MOV    | Eb:w, Gb      | 88 /r           |      |         | 8086
MOV    | Ev:w, Gv      | 89 /r           |      |         | 8086
MOV    | Gb:w, Eb      | 8A /r           |      |         | 8086
MOV    | Gv:w, Ev      | 8B /r           |      |         | 8086
MOV    | AL:w, Ob      | A0              |      |         | 8086
MOV    | rAX:w, Ov     | A1              |      |         | 8086
MOV    | Ob:w, AL      | A2              |      |         | 8086
MOV    | Ov:w, rAX     | A3              |      |         | 8086
MOV    | Zb:w, Ib      | B0+r            |      |         | 8086
MOV    | Zv:w, Iv      | B8+r            |      |         | 8086
MOV    | Eb:w, Ib      | C6 /0           |      |         | 8086
MOV    | Ev:w, Iz      | C7 /0           |      |         | 8086
MOVZX  | Gv:w, Eb      | 0F B6 /r        |      |         | 386
MOVZX  | Gv:w, Ew      | 0F B7 /r        |      |         | 386
MOVSX  | Gv:w, Eb      | 0F BE /r        |      |         | 386
MOVSX  | Gv:w, Ew      | 0F BF /r        |      |         | 386
MOVSXD | Gv:w, Ez      | 63 /r           | o64  |         | LM
MOVBE  | Gv:w, Mv      | NFx 0F 38 F0 /r |      |         | MOVBE
MOVBE  | Mv:w, Gv      | NFx 0F 38 F1 /r |      |         | MOVBE
MOVNTI | My:w, Gy      | NP 0F C3 /r     |      |         | SSE2
CMOVcc | Gv:rw, Ev     | 0F 40+cc /r     |      | r:cc    | CMOV
LEA    | Gv:w, M:n     | 8D /r           |      |         | 8086
BSWAP  | Zv:rw         | 0F C8+r         |      |         | 486
XCHG   | Eb:rw, Gb:rw  | 86 /r           | lock |         | 8086
XCHG   | Ev:rw, Gv:rw  | 87 /r           | lock |         | 8086
XCHG   | Zv:rw, rAX:rw | 90+r            |      |         | 8086
XLATB  | BXAL          | D7              |      |         | 8086
SALC   |               | D6              | i64  | r:c     | 8086
LAHF   |               | 9F              |      | r:szapc | 8086
SAHF   |               | 9E              |      | w:szapc | 8086

# Stack.
PUSH  | Zv     | 50+r  | d64      |                       | 8086
PUSH  | Ev     | FF /6 | d64      |                       | 8086
PUSH  | Iz     | 68    | d64      |                       | 186
PUSH  | Ibs    | 6A    | d64      |                       | 186
POP   | Zv:w   | 58+r  | d64      |                       | 8086
POP   | Ev:w   | 8F /0 | d64      |                       | 8086
PUSHA/PUSHAD |        | 60    | i64      |                       | 186
POPA/POPAD |        | 61    | i64      |                       | 186
PUSHF/PUSHFD/PUSHFQ |        | 9C    | d64 sens | r:oszapctidlnrvk      | 8086
POPF/POPFD/POPFQ |        | 9D    | d64 sens | r:lv w:oszapctidlnrvk | 8086
ENTER | Iw, Ib | C8    | d64      |                       | 186
LEAVE |        | C9    | d64      |                       | 186

# Segment registers.
PUSH | ES          | 06       | i64 sens |  | 8086
PUSH | CS          | 0E       | i64 sens |  | 8086
PUSH | SS          | 16       | i64 sens |  | 8086
PUSH | DS          | 1E       | i64 sens |  | 8086
PUSH | FS          | 0F A0    | d64 sens |  | 386
PUSH | GS          | 0F A8    | d64 sens |  | 386
POP  | ES:w        | 07       | i64 sens |  | 8086
POP  | SS:w        | 17       | i64 sens |  | 8086
POP  | DS:w        | 1F       | i64 sens |  | 8086
POP  | FS:w        | 0F A1    | d64 sens |  | 386
POP  | GS:w        | 0F A9    | d64 sens |  | 386
MOV  | Rv/Mw:w, Sw | 8C /r    | sens     |  | 8086
MOV  | Sw:w, Rv/Mw | 8E /r    | sens     |  | 8086
LES  | Gz:w, Mp    | C4 /r    | i64 sens |  | 8086
LDS  | Gz:w, Mp    | C5 /r    | i64 sens |  | 8086
LSS  | Gv:w, Mp    | 0F B2 /r | sens     |  | 386
LFS  | Gv:w, Mp    | 0F B4 /r | sens     |  | 386
LGS  | Gv:w, Mp    | 0F B5 /r | sens     |  | 386
`;
