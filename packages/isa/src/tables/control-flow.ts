/** Control transfer: SDM vol. 1, 5.1.7; opcodes from vol. 2D, A.3. */
export const controlFlow = `
Jcc    | Jb         | 70+cc    | f64 branch       | r:cc                   | 8086
Jcc    | Jz         | 0F 80+cc | f64 branch       | r:cc                   | 386
JMP    | Jb         | EB       | f64 jump         |                        | 8086
JMP    | Jz         | E9       | f64 jump         |                        | 8086
JMP    | Ev         | FF /4    | f64 jump         |                        | 8086
JMP    | Ap         | EA       | i64 jump sens    |                        | 8086
JMP    | Mp         | FF /5    | jump sens        |                        | 8086
CALL   | Jz         | E8       | f64 call         |                        | 8086
CALL   | Ev         | FF /2    | f64 call         |                        | 8086
CALL   | Ap         | 9A       | i64 call sens    |                        | 8086
CALL   | Mp         | FF /3    | call sens        |                        | 8086
RET    | Iw         | C2       | f64 ret          |                        | 8086
RET    |            | C3       | f64 ret          |                        | 8086
RETF   | Iw         | CA       | ret sens         |                        | 8086
RETF   |            | CB       | ret sens         |                        | 8086
IRET/IRETD/IRETQ |            | CF       | ret sens         | r:lnv w:oszapctidlnrvk | 8086
LOOPNE | Jb         | E0       | f64 branch       | r:z                    | 8086
LOOPE  | Jb         | E1       | f64 branch       | r:z                    | 8086
LOOP   | Jb         | E2       | f64 branch       |                        | 8086
JCXZ/JECXZ/JRCXZ | Jb         | E3       | f64 branch asize |                        | 8086
INT1   |            | F1       | int sens         | w:tinrvk               | 386
INT3   |            | CC       | int sens         | w:tinrvk               | 8086
INT    | Ib         | CD       | int sens         | w:tinrvk               | 8086
INTO   |            | CE       | i64 int sens     | r:o w:tinrvk           | 8086
BOUND  | Gv, Ma     | 62 /r    | i64              |                        | 186
UD2    |            | 0F 0B    | ud               |                        | 186
UD1    | Gv:n, Ev:n | 0F B9 /r | ud               |                        | 186
UD0    | Gv:n, Ev:n | 0F FF /r | ud               |                        | 186
`;
