/** Strings and their port forms: SDM vol. 1, 5.1.8 and 5.1.9; opcodes from vol. 2D, A.3. */
export const string = `
MOVSB | Yb:w, Xb  | A4 | rep      | r:d          | 8086
MOVSW/MOVSD/MOVSQ | Yv:w, Xv  | A5 | rep      | r:d          | 8086
CMPSB | Xb, Yb    | A6 | repe     | r:d w:oszapc | 8086
CMPSW/CMPSD/CMPSQ | Xv, Yv    | A7 | repe     | r:d w:oszapc | 8086
STOSB | Yb:w, AL  | AA | rep      | r:d          | 8086
STOSW/STOSD/STOSQ | Yv:w, rAX | AB | rep      | r:d          | 8086
LODSB | AL:w, Xb  | AC | rep      | r:d          | 8086
LODSW/LODSD/LODSQ | rAX:w, Xv | AD | rep      | r:d          | 8086
SCASB | AL, Yb    | AE | repe     | r:d w:oszapc | 8086
SCASW/SCASD/SCASQ | rAX, Yv   | AF | repe     | r:d w:oszapc | 8086
INSB  | Yb:w, DX  | 6C | rep sens | r:dlv        | 186
INSW/INSD | Yz:w, DX  | 6D | rep sens | r:dlv        | 186
OUTSB | DX, Xb    | 6E | rep sens | r:dlv        | 186
OUTSW/OUTSD | DX, Xz    | 6F | rep sens | r:dlv        | 186
`;
