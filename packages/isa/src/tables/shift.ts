/** Shifts and rotates: SDM vol. 1, 5.1.5; opcodes from vol. 2D, A.3 and table A-6 (group 2). */
export const shift = `
ROL | Eb:rw, Ib | C0 /0 |  | w:c u:o ? | 186
ROL | Ev:rw, Ib | C1 /0 |  | w:c u:o ? | 186
ROL | Eb:rw, 1  | D0 /0 |  | w:oc      | 8086
ROL | Ev:rw, 1  | D1 /0 |  | w:oc      | 8086
ROL | Eb:rw, CL | D2 /0 |  | w:c u:o ? | 8086
ROL | Ev:rw, CL | D3 /0 |  | w:c u:o ? | 8086

ROR | Eb:rw, Ib | C0 /1 |  | w:c u:o ? | 186
ROR | Ev:rw, Ib | C1 /1 |  | w:c u:o ? | 186
ROR | Eb:rw, 1  | D0 /1 |  | w:oc      | 8086
ROR | Ev:rw, 1  | D1 /1 |  | w:oc      | 8086
ROR | Eb:rw, CL | D2 /1 |  | w:c u:o ? | 8086
ROR | Ev:rw, CL | D3 /1 |  | w:c u:o ? | 8086

RCL | Eb:rw, Ib | C0 /2 |  | r:c w:c u:o ? | 186
RCL | Ev:rw, Ib | C1 /2 |  | r:c w:c u:o ? | 186
RCL | Eb:rw, 1  | D0 /2 |  | r:c w:oc      | 8086
RCL | Ev:rw, 1  | D1 /2 |  | r:c w:oc      | 8086
RCL | Eb:rw, CL | D2 /2 |  | r:c w:c u:o ? | 8086
RCL | Ev:rw, CL | D3 /2 |  | r:c w:c u:o ? | 8086

RCR | Eb:rw, Ib | C0 /3 |  | r:c w:c u:o ? | 186
RCR | Ev:rw, Ib | C1 /3 |  | r:c w:c u:o ? | 186
RCR | Eb:rw, 1  | D0 /3 |  | r:c w:oc      | 8086
RCR | Ev:rw, 1  | D1 /3 |  | r:c w:oc      | 8086
RCR | Eb:rw, CL | D2 /3 |  | r:c w:c u:o ? | 8086
RCR | Ev:rw, CL | D3 /3 |  | r:c w:c u:o ? | 8086

SHL | Eb:rw, Ib | C0 /4 |  | w:szpc u:oa ? | 186
SHL | Ev:rw, Ib | C1 /4 |  | w:szpc u:oa ? | 186
SHL | Eb:rw, 1  | D0 /4 |  | w:oszpc u:a   | 8086
SHL | Ev:rw, 1  | D1 /4 |  | w:oszpc u:a   | 8086
SHL | Eb:rw, CL | D2 /4 |  | w:szpc u:oa ? | 8086
SHL | Ev:rw, CL | D3 /4 |  | w:szpc u:oa ? | 8086

SHR | Eb:rw, Ib | C0 /5 |  | w:szpc u:oa ? | 186
SHR | Ev:rw, Ib | C1 /5 |  | w:szpc u:oa ? | 186
SHR | Eb:rw, 1  | D0 /5 |  | w:oszpc u:a   | 8086
SHR | Ev:rw, 1  | D1 /5 |  | w:oszpc u:a   | 8086
SHR | Eb:rw, CL | D2 /5 |  | w:szpc u:oa ? | 8086
SHR | Ev:rw, CL | D3 /5 |  | w:szpc u:oa ? | 8086

# /6 is an undocumented alias of SHL: AMD vol. 3, appendix A, table A-6.
SAL | Eb:rw, Ib | C0 /6 |  | w:szpc u:oa ? | 186
SAL | Ev:rw, Ib | C1 /6 |  | w:szpc u:oa ? | 186
SAL | Eb:rw, 1  | D0 /6 |  | w:oszpc u:a   | 8086
SAL | Ev:rw, 1  | D1 /6 |  | w:oszpc u:a   | 8086
SAL | Eb:rw, CL | D2 /6 |  | w:szpc u:oa ? | 8086
SAL | Ev:rw, CL | D3 /6 |  | w:szpc u:oa ? | 8086

SAR | Eb:rw, Ib | C0 /7 |  | w:szpc u:oa ?  | 186
SAR | Ev:rw, Ib | C1 /7 |  | w:szpc u:oa ?  | 186
SAR | Eb:rw, 1  | D0 /7 |  | w:szpc 0:o u:a | 8086
SAR | Ev:rw, 1  | D1 /7 |  | w:szpc 0:o u:a | 8086
SAR | Eb:rw, CL | D2 /7 |  | w:szpc u:oa ?  | 8086
SAR | Ev:rw, CL | D3 /7 |  | w:szpc u:oa ?  | 8086

SHLD | Ev:rw, Gv, Ib | 0F A4 /r |  | w:szpc u:oa ? | 386
SHLD | Ev:rw, Gv, CL | 0F A5 /r |  | w:szpc u:oa ? | 386
SHRD | Ev:rw, Gv, Ib | 0F AC /r |  | w:szpc u:oa ? | 386
SHRD | Ev:rw, Gv, CL | 0F AD /r |  | w:szpc u:oa ? | 386
`;
