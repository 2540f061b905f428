/** Integer arithmetic and logic: SDM vol. 1, 5.1.2 and 5.1.4; opcodes from vol. 2D, A.3. */
export const integerArithmetic = `
ADD | Eb:rw, Gb  | 00 /r | lock     | w:oszapc | 8086
ADD | Ev:rw, Gv  | 01 /r | lock     | w:oszapc | 8086
ADD | Gb:rw, Eb  | 02 /r |          | w:oszapc | 8086
ADD | Gv:rw, Ev  | 03 /r |          | w:oszapc | 8086
ADD | AL:rw, Ib  | 04    |          | w:oszapc | 8086
ADD | rAX:rw, Iz | 05    |          | w:oszapc | 8086
ADD | Eb:rw, Ib  | 80 /0 | lock     | w:oszapc | 8086
ADD | Ev:rw, Iz  | 81 /0 | lock     | w:oszapc | 8086
ADD | Eb:rw, Ib  | 82 /0 | lock i64 | w:oszapc | 8086
ADD | Ev:rw, Ibs | 83 /0 | lock     | w:oszapc | 8086

OR | Eb:rw, Gb  | 08 /r | lock     | w:szp 0:oc u:a | 8086
OR | Ev:rw, Gv  | 09 /r | lock     | w:szp 0:oc u:a | 8086
OR | Gb:rw, Eb  | 0A /r |          | w:szp 0:oc u:a | 8086
OR | Gv:rw, Ev  | 0B /r |          | w:szp 0:oc u:a | 8086
OR | AL:rw, Ib  | 0C    |          | w:szp 0:oc u:a | 8086
OR | rAX:rw, Iz | 0D    |          | w:szp 0:oc u:a | 8086
OR | Eb:rw, Ib  | 80 /1 | lock     | w:szp 0:oc u:a | 8086
OR | Ev:rw, Iz  | 81 /1 | lock     | w:szp 0:oc u:a | 8086
OR | Eb:rw, Ib  | 82 /1 | lock i64 | w:szp 0:oc u:a | 8086
OR | Ev:rw, Ibs | 83 /1 | lock     | w:szp 0:oc u:a | 8086

ADC | Eb:rw, Gb  | 10 /r | lock     | r:c w:oszapc | 8086
ADC | Ev:rw, Gv  | 11 /r | lock     | r:c w:oszapc | 8086
ADC | Gb:rw, Eb  | 12 /r |          | r:c w:oszapc | 8086
ADC | Gv:rw, Ev  | 13 /r |          | r:c w:oszapc | 8086
ADC | AL:rw, Ib  | 14    |          | r:c w:oszapc | 8086
ADC | rAX:rw, Iz | 15    |          | r:c w:oszapc | 8086
ADC | Eb:rw, Ib  | 80 /2 | lock     | r:c w:oszapc | 8086
ADC | Ev:rw, Iz  | 81 /2 | lock     | r:c w:oszapc | 8086
ADC | Eb:rw, Ib  | 82 /2 | lock i64 | r:c w:oszapc | 8086
ADC | Ev:rw, Ibs | 83 /2 | lock     | r:c w:oszapc | 8086

SBB | Eb:rw, Gb  | 18 /r | lock     | r:c w:oszapc | 8086
SBB | Ev:rw, Gv  | 19 /r | lock     | r:c w:oszapc | 8086
SBB | Gb:rw, Eb  | 1A /r |          | r:c w:oszapc | 8086
SBB | Gv:rw, Ev  | 1B /r |          | r:c w:oszapc | 8086
SBB | AL:rw, Ib  | 1C    |          | r:c w:oszapc | 8086
SBB | rAX:rw, Iz | 1D    |          | r:c w:oszapc | 8086
SBB | Eb:rw, Ib  | 80 /3 | lock     | r:c w:oszapc | 8086
SBB | Ev:rw, Iz  | 81 /3 | lock     | r:c w:oszapc | 8086
SBB | Eb:rw, Ib  | 82 /3 | lock i64 | r:c w:oszapc | 8086
SBB | Ev:rw, Ibs | 83 /3 | lock     | r:c w:oszapc | 8086

AND | Eb:rw, Gb  | 20 /r | lock     | w:szp 0:oc u:a | 8086
AND | Ev:rw, Gv  | 21 /r | lock     | w:szp 0:oc u:a | 8086
AND | Gb:rw, Eb  | 22 /r |          | w:szp 0:oc u:a | 8086
AND | Gv:rw, Ev  | 23 /r |          | w:szp 0:oc u:a | 8086
AND | AL:rw, Ib  | 24    |          | w:szp 0:oc u:a | 8086
AND | rAX:rw, Iz | 25    |          | w:szp 0:oc u:a | 8086
AND | Eb:rw, Ib  | 80 /4 | lock     | w:szp 0:oc u:a | 8086
AND | Ev:rw, Iz  | 81 /4 | lock     | w:szp 0:oc u:a | 8086
AND | Eb:rw, Ib  | 82 /4 | lock i64 | w:szp 0:oc u:a | 8086
AND | Ev:rw, Ibs | 83 /4 | lock     | w:szp 0:oc u:a | 8086

SUB | Eb:rw, Gb  | 28 /r | lock     | w:oszapc | 8086
SUB | Ev:rw, Gv  | 29 /r | lock     | w:oszapc | 8086
SUB | Gb:rw, Eb  | 2A /r |          | w:oszapc | 8086
SUB | Gv:rw, Ev  | 2B /r |          | w:oszapc | 8086
SUB | AL:rw, Ib  | 2C    |          | w:oszapc | 8086
SUB | rAX:rw, Iz | 2D    |          | w:oszapc | 8086
SUB | Eb:rw, Ib  | 80 /5 | lock     | w:oszapc | 8086
SUB | Ev:rw, Iz  | 81 /5 | lock     | w:oszapc | 8086
SUB | Eb:rw, Ib  | 82 /5 | lock i64 | w:oszapc | 8086
SUB | Ev:rw, Ibs | 83 /5 | lock     | w:oszapc | 8086

XOR | Eb:rw, Gb  | 30 /r | lock     | w:szp 0:oc u:a | 8086
XOR | Ev:rw, Gv  | 31 /r | lock     | w:szp 0:oc u:a | 8086
XOR | Gb:rw, Eb  | 32 /r |          | w:szp 0:oc u:a | 8086
XOR | Gv:rw, Ev  | 33 /r |          | w:szp 0:oc u:a | 8086
XOR | AL:rw, Ib  | 34    |          | w:szp 0:oc u:a | 8086
XOR | rAX:rw, Iz | 35    |          | w:szp 0:oc u:a | 8086
XOR | Eb:rw, Ib  | 80 /6 | lock     | w:szp 0:oc u:a | 8086
XOR | Ev:rw, Iz  | 81 /6 | lock     | w:szp 0:oc u:a | 8086
XOR | Eb:rw, Ib  | 82 /6 | lock i64 | w:szp 0:oc u:a | 8086
XOR | Ev:rw, Ibs | 83 /6 | lock     | w:szp 0:oc u:a | 8086

CMP | Eb, Gb  | 38 /r |     | w:oszapc | 8086
CMP | Ev, Gv  | 39 /r |     | w:oszapc | 8086
CMP | Gb, Eb  | 3A /r |     | w:oszapc | 8086
CMP | Gv, Ev  | 3B /r |     | w:oszapc | 8086
CMP | AL, Ib  | 3C    |     | w:oszapc | 8086
CMP | rAX, Iz | 3D    |     | w:oszapc | 8086
CMP | Eb, Ib  | 80 /7 |     | w:oszapc | 8086
CMP | Ev, Iz  | 81 /7 |     | w:oszapc | 8086
CMP | Eb, Ib  | 82 /7 | i64 | w:oszapc | 8086
CMP | Ev, Ibs | 83 /7 |     | w:oszapc | 8086

INC | Eb:rw | FE /0 | lock | w:oszap  | 8086
INC | Ev:rw | FF /0 | lock | w:oszap  | 8086
INC | Zv:rw | 40+r  | i64  | w:oszap  | 8086
DEC | Eb:rw | FE /1 | lock | w:oszap  | 8086
DEC | Ev:rw | FF /1 | lock | w:oszap  | 8086
DEC | Zv:rw | 48+r  | i64  | w:oszap  | 8086
NOT | Eb:rw | F6 /2 | lock |          | 8086
NOT | Ev:rw | F7 /2 | lock |          | 8086
NEG | Eb:rw | F6 /3 | lock | w:oszapc | 8086
NEG | Ev:rw | F7 /3 | lock | w:oszapc | 8086

TEST | Eb, Gb  | 84 /r |  | w:szp 0:oc u:a | 8086
TEST | Ev, Gv  | 85 /r |  | w:szp 0:oc u:a | 8086
TEST | AL, Ib  | A8    |  | w:szp 0:oc u:a | 8086
TEST | rAX, Iz | A9    |  | w:szp 0:oc u:a | 8086
TEST | Eb, Ib  | F6 /0 |  | w:szp 0:oc u:a | 8086
TEST | Ev, Iz  | F7 /0 |  | w:szp 0:oc u:a | 8086
# /1 is an undocumented alias of /0: AMD vol. 3, appendix A, table A-6.
TEST | Eb, Ib  | F6 /1 |  | w:szp 0:oc u:a | 8086
TEST | Ev, Iz  | F7 /1 |  | w:szp 0:oc u:a | 8086

MUL  | Eb            | F6 /4    |  | w:oc u:szap | 8086
MUL  | Ev            | F7 /4    |  | w:oc u:szap | 8086
IMUL | Eb            | F6 /5    |  | w:oc u:szap | 8086
IMUL | Ev            | F7 /5    |  | w:oc u:szap | 8086
IMUL | Gv:rw, Ev     | 0F AF /r |  | w:oc u:szap | 386
IMUL | Gv:w, Ev, Iz  | 69 /r    |  | w:oc u:szap | 186
IMUL | Gv:w, Ev, Ibs | 6B /r    |  | w:oc u:szap | 186
DIV  | Eb            | F6 /6    |  | u:oszapc    | 8086
DIV  | Ev            | F7 /6    |  | u:oszapc    | 8086
IDIV | Eb            | F6 /7    |  | u:oszapc    | 8086
IDIV | Ev            | F7 /7    |  | u:oszapc    | 8086

ADCX | Gy:rw, Ey | 66 0F 38 F6 /r |  | r:c w:c | ADX
ADOX | Gy:rw, Ey | F3 0F 38 F6 /r |  | r:o w:o | ADX

XADD    | Eb:rw, Gb:rw | 0F C0 /r | lock | w:oszapc | 486
XADD    | Ev:rw, Gv:rw | 0F C1 /r | lock | w:oszapc | 486
CMPXCHG | Eb:rw, Gb    | 0F B0 /r | lock | w:oszapc | 486
CMPXCHG | Ev:rw, Gv    | 0F B1 /r | lock | w:oszapc | 486
# With REX.W it is CMPXCHG16B, of the feature CX16.
CMPXCHG8B/CMPXCHG8B/CMPXCHG16B | Myy:rw       | 0F C7 /1 | lock | w:z      | CX8

DAA |    | 27 | i64 | r:ac w:szapc u:o | 8086
DAS |    | 2F | i64 | r:ac w:szapc u:o | 8086
AAA |    | 37 | i64 | r:a w:ac u:oszp  | 8086
AAS |    | 3F | i64 | r:a w:ac u:oszp  | 8086
AAM | Ib | D4 | i64 | w:szp u:oac      | 8086
AAD | Ib | D5 | i64 | w:szp u:oac      | 8086
CBW/CWDE/CDQE |    | 98 |     |                  | 8086
CWD/CDQ/CQO |    | 99 |     |                  | 8086

CRC32 | Gy:rw, Eb | F2 0F 38 F0 /r |  |  | SSE4.2
CRC32 | Gy:rw, Ev | F2 0F 38 F1 /r |  |  | SSE4.2
`;
