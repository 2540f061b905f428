/** The x87 floating-point unit: SDM vol. 1, chapter 8; opcodes from vol. 2D, A.5. */
export const x87 = `
FADD  | Md | D8 /0 |  | w:1 u:023 | FPU
FMUL  | Md | D8 /1 |  | w:1 u:023 | FPU
FCOM  | Md | D8 /2 |  | w:023 0:1 | FPU
FCOMP | Md | D8 /3 |  | w:023 0:1 | FPU
FSUB  | Md | D8 /4 |  | w:1 u:023 | FPU
FSUBR | Md | D8 /5 |  | w:1 u:023 | FPU
FDIV  | Md | D8 /6 |  | w:1 u:023 | FPU
FDIVR | Md | D8 /7 |  | w:1 u:023 | FPU

FADD  | Mq | DC /0 |  | w:1 u:023 | FPU
FMUL  | Mq | DC /1 |  | w:1 u:023 | FPU
FCOM  | Mq | DC /2 |  | w:023 0:1 | FPU
FCOMP | Mq | DC /3 |  | w:023 0:1 | FPU
FSUB  | Mq | DC /4 |  | w:1 u:023 | FPU
FSUBR | Mq | DC /5 |  | w:1 u:023 | FPU
FDIV  | Mq | DC /6 |  | w:1 u:023 | FPU
FDIVR | Mq | DC /7 |  | w:1 u:023 | FPU

FIADD  | Md | DA /0 |  | w:1 u:023 | FPU
FIMUL  | Md | DA /1 |  | w:1 u:023 | FPU
FICOM  | Md | DA /2 |  | w:023 0:1 | FPU
FICOMP | Md | DA /3 |  | w:023 0:1 | FPU
FISUB  | Md | DA /4 |  | w:1 u:023 | FPU
FISUBR | Md | DA /5 |  | w:1 u:023 | FPU
FIDIV  | Md | DA /6 |  | w:1 u:023 | FPU
FIDIVR | Md | DA /7 |  | w:1 u:023 | FPU

FIADD  | Mw | DE /0 |  | w:1 u:023 | FPU
FIMUL  | Mw | DE /1 |  | w:1 u:023 | FPU
FICOM  | Mw | DE /2 |  | w:023 0:1 | FPU
FICOMP | Mw | DE /3 |  | w:023 0:1 | FPU
FISUB  | Mw | DE /4 |  | w:1 u:023 | FPU
FISUBR | Mw | DE /5 |  | w:1 u:023 | FPU
FIDIV  | Mw | DE /6 |  | w:1 u:023 | FPU
FIDIVR | Mw | DE /7 |  | w:1 u:023 | FPU

FADD  | ST0:rw, STi | D8 C0+i |  | w:1 u:023 | FPU
FMUL  | ST0:rw, STi | D8 C8+i |  | w:1 u:023 | FPU
FCOM  | ST0, STi    | D8 D0+i |  | w:023 0:1 | FPU
FCOMP | ST0, STi    | D8 D8+i |  | w:023 0:1 | FPU
FSUB  | ST0:rw, STi | D8 E0+i |  | w:1 u:023 | FPU
FSUBR | ST0:rw, STi | D8 E8+i |  | w:1 u:023 | FPU
FDIV  | ST0:rw, STi | D8 F0+i |  | w:1 u:023 | FPU
FDIVR | ST0:rw, STi | D8 F8+i |  | w:1 u:023 | FPU

FADD  | STi:rw, ST0 | DC C0+i |  | w:1 u:023 | FPU
FMUL  | STi:rw, ST0 | DC C8+i |  | w:1 u:023 | FPU
FSUBR | STi:rw, ST0 | DC E0+i |  | w:1 u:023 | FPU
FSUB  | STi:rw, ST0 | DC E8+i |  | w:1 u:023 | FPU
FDIVR | STi:rw, ST0 | DC F0+i |  | w:1 u:023 | FPU
FDIV  | STi:rw, ST0 | DC F8+i |  | w:1 u:023 | FPU

FADDP  | STi:rw, ST0 | DE C0+i |  | w:1 u:023 | FPU
FMULP  | STi:rw, ST0 | DE C8+i |  | w:1 u:023 | FPU
FSUBRP | STi:rw, ST0 | DE E0+i |  | w:1 u:023 | FPU
FSUBP  | STi:rw, ST0 | DE E8+i |  | w:1 u:023 | FPU
FDIVRP | STi:rw, ST0 | DE F0+i |  | w:1 u:023 | FPU
FDIVP  | STi:rw, ST0 | DE F8+i |  | w:1 u:023 | FPU
FCOMPP |             | DE D9   |  | w:023 0:1 | FPU

# Load and store.
FLD      | Md             | D9 /0   |  | w:1 u:023      | FPU
FLD      | Mq             | DD /0   |  | w:1 u:023      | FPU
FLD      | Mt             | DB /5   |  | w:1 u:023      | FPU
FLD      | STi            | D9 C0+i |  | w:1 u:023      | FPU
FST      | Md:w           | D9 /2   |  | w:1 u:023      | FPU
FST      | Mq:w           | DD /2   |  | w:1 u:023      | FPU
FST      | STi:w          | DD D0+i |  | w:1 u:023      | FPU
FSTP     | Md:w           | D9 /3   |  | w:1 u:023      | FPU
FSTP     | Mq:w           | DD /3   |  | w:1 u:023      | FPU
FSTP     | Mt:w           | DB /7   |  | w:1 u:023      | FPU
FSTP     | STi:w          | DD D8+i |  | w:1 u:023      | FPU
FILD     | Mw             | DF /0   |  | w:1 u:023      | FPU
FILD     | Md             | DB /0   |  | w:1 u:023      | FPU
FILD     | Mq             | DF /5   |  | w:1 u:023      | FPU
FIST     | Mw:w           | DF /2   |  | w:1 u:023      | FPU
FIST     | Md:w           | DB /2   |  | w:1 u:023      | FPU
FISTP    | Mw:w           | DF /3   |  | w:1 u:023      | FPU
FISTP    | Md:w           | DB /3   |  | w:1 u:023      | FPU
FISTP    | Mq:w           | DF /7   |  | w:1 u:023      | FPU
FISTTP   | Mw:w           | DF /1   |  | 0:1 u:023      | SSE3
FISTTP   | Md:w           | DB /1   |  | 0:1 u:023      | SSE3
FISTTP   | Mq:w           | DD /1   |  | 0:1 u:023      | SSE3
FBLD     | Mt             | DF /4   |  | w:1 u:023      | FPU
FBSTP    | Mt:w           | DF /6   |  | w:1 u:023      | FPU
FXCH     | ST0:rw, STi:rw | D9 C8+i |  | 0:1 u:023      | FPU
FCMOVB   | ST0:rw, STi    | DA C0+i |  | r:c 0:1 u:023  | CMOV
FCMOVE   | ST0:rw, STi    | DA C8+i |  | r:z 0:1 u:023  | CMOV
FCMOVBE  | ST0:rw, STi    | DA D0+i |  | r:zc 0:1 u:023 | CMOV
FCMOVU   | ST0:rw, STi    | DA D8+i |  | r:p 0:1 u:023  | CMOV
FCMOVNB  | ST0:rw, STi    | DB C0+i |  | r:c 0:1 u:023  | CMOV
FCMOVNE  | ST0:rw, STi    | DB C8+i |  | r:z 0:1 u:023  | CMOV
FCMOVNBE | ST0:rw, STi    | DB D0+i |  | r:zc 0:1 u:023 | CMOV
FCMOVNU  | ST0:rw, STi    | DB D8+i |  | r:p 0:1 u:023  | CMOV

# Compare.
FUCOM   | ST0, STi | DD E0+i |  | w:023 0:1    | FPU
FUCOMP  | ST0, STi | DD E8+i |  | w:023 0:1    | FPU
FUCOMPP |          | DA E9   |  | w:023 0:1    | FPU
FCOMI   | ST0, STi | DB F0+i |  | w:zpc 0:osa1 | CMOV
FCOMIP  | ST0, STi | DF F0+i |  | w:zpc 0:osa1 | CMOV
FUCOMI  | ST0, STi | DB E8+i |  | w:zpc 0:osa1 | CMOV
FUCOMIP | ST0, STi | DF E8+i |  | w:zpc 0:osa1 | CMOV
FTST    |          | D9 E4   |  | w:023 0:1    | FPU
FXAM    |          | D9 E5   |  | w:0123       | FPU

# Operations on the top of the stack.
FNOP    |  | D9 D0 |  |           | FPU
FCHS    |  | D9 E0 |  | 0:1 u:023 | FPU
FABS    |  | D9 E1 |  | 0:1 u:023 | FPU
FLD1    |  | D9 E8 |  | w:1 u:023 | FPU
FLDL2T  |  | D9 E9 |  | w:1 u:023 | FPU
FLDL2E  |  | D9 EA |  | w:1 u:023 | FPU
FLDPI   |  | D9 EB |  | w:1 u:023 | FPU
FLDLG2  |  | D9 EC |  | w:1 u:023 | FPU
FLDLN2  |  | D9 ED |  | w:1 u:023 | FPU
FLDZ    |  | D9 EE |  | w:1 u:023 | FPU
F2XM1   |  | D9 F0 |  | w:1 u:023 | FPU
FYL2X   |  | D9 F1 |  | w:1 u:023 | FPU
FPTAN   |  | D9 F2 |  | w:12 u:03 | FPU
FPATAN  |  | D9 F3 |  | w:1 u:023 | FPU
FXTRACT |  | D9 F4 |  | w:1 u:023 | FPU
FPREM1  |  | D9 F5 |  | w:0123    | FPU
FDECSTP |  | D9 F6 |  | 0:1 u:023 | FPU
FINCSTP |  | D9 F7 |  | 0:1 u:023 | FPU
FPREM   |  | D9 F8 |  | w:0123    | FPU
FYL2XP1 |  | D9 F9 |  | w:1 u:023 | FPU
FSQRT   |  | D9 FA |  | w:1 u:023 | FPU
FSINCOS |  | D9 FB |  | w:12 u:03 | FPU
FRNDINT |  | D9 FC |  | w:1 u:023 | FPU
FSCALE  |  | D9 FD |  | w:1 u:023 | FPU
FSIN    |  | D9 FE |  | w:12 u:03 | FPU
FCOS    |  | D9 FF |  | w:12 u:03 | FPU

# Control.
FLDENV  | Me    | D9 /4   |  | w:0123        | FPU
FLDCW   | Mw    | D9 /5   |  | u:0123        | FPU
FNSTENV | Me:w  | D9 /6   |  | r:0123 u:0123 | FPU
FNSTCW  | Mw:w  | D9 /7   |  | u:0123        | FPU
FRSTOR  | Mf    | DD /4   |  | w:0123        | FPU
FNSAVE  | Mf:w  | DD /6   |  | r:0123 0:0123 | FPU
FNSTSW  | Mw:w  | DD /7   |  | r:0123 u:0123 | FPU
FNSTSW  | AX:w  | DF E0   |  | r:0123 u:0123 | 287
FFREE   | STi:n | DD C0+i |  | u:0123        | FPU
FNCLEX  |       | DB E2   |  | u:0123        | FPU
FNINIT  |       | DB E3   |  | 0:0123        | FPU
# No operation since the 387 (FENI, FDISI of the 8087, FSETPM of the 287): SDM vol. 3B, 23.18.
FNENI   |       | DB E0   |  |               | FPU
FNDISI  |       | DB E1   |  |               | FPU
FNSETPM |       | DB E4   |  |               | FPU

# Last, so that an assembler that takes the first of equally long forms leaves these alone.
# Undocumented aliases that every processor decodes: AMD vol. 3, appendix A, table A-10 (reserved).
FCOM    | ST0, STi       | DC D0+i |  | w:023 0:1 | FPU
FCOMP   | ST0, STi       | DC D8+i |  | w:023 0:1 | FPU
FCOMP   | ST0, STi       | DE D0+i |  | w:023 0:1 | FPU
FXCH    | ST0:rw, STi:rw | DD C8+i |  | 0:1 u:023 | FPU
FXCH    | ST0:rw, STi:rw | DF C8+i |  | 0:1 u:023 | FPU
FSTPNCE | STi:w          | D9 D8+i |  | w:1 u:023 | FPU
FSTP    | STi:w          | DF D0+i |  | w:1 u:023 | FPU
FSTP    | STi:w          | DF D8+i |  | w:1 u:023 | FPU
FFREEP  | STi:n          | DF C0+i |  | u:0123    | FPU
`;
