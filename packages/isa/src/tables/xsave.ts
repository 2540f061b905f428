/** Saving extended state: SDM vol. 1, chapter 13, and 10.5 for FXSAVE. */
export const xsave = `
FXSAVE/FXSAVE/FXSAVE64 | Mfx:w | NP 0F AE /0 |      |        | FXSR
FXRSTOR/FXRSTOR/FXRSTOR64 | Mfx   | NP 0F AE /1 |      | w:0123 | FXSR
XSAVE/XSAVE/XSAVE64 | M:rw  | NP 0F AE /4 |      |        | XSAVE
XRSTOR/XRSTOR/XRSTOR64 | M     | NP 0F AE /5 |      | w:0123 | XSAVE
XSAVEOPT/XSAVEOPT/XSAVEOPT64 | M:rw  | NP 0F AE /6 |      |        | XSAVEOPT
XSAVEC/XSAVEC/XSAVEC64 | M:w   | NP 0F C7 /4 |      |        | XSAVEC
XSAVES/XSAVES/XSAVES64 | M:w   | NP 0F C7 /5 | priv |        | XSAVES
XRSTORS/XRSTORS/XRSTORS64 | M     | NP 0F C7 /3 | priv | w:0123 | XSAVES
XGETBV |       | NP 0F 01 D0 | sens |        | XSAVE
XSETBV |       | NP 0F 01 D1 | priv |        | XSAVE
`;
