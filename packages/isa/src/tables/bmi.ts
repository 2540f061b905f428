/** BMI1 and BMI2: SDM vol. 1, 5.1.16; opcodes from vol. 2D, A.3. TZCNT stands beside BSF. */
export const bmi = `
ANDN   | Gy:w, By, Ey   | VEX.LZ.0F38 F2 /r    |  | w:sz 0:oc u:ap   | BMI1
BEXTR  | Gy:w, Ey, By   | VEX.LZ.0F38 F7 /r    |  | w:z 0:oc u:sap   | BMI1
BLSR   | By:w, Ey       | VEX.LZ.0F38 F3 /1    |  | w:szc 0:o u:ap   | BMI1
BLSMSK | By:w, Ey       | VEX.LZ.0F38 F3 /2    |  | w:sc 0:oz u:ap   | BMI1
BLSI   | By:w, Ey       | VEX.LZ.0F38 F3 /3    |  | w:szc 0:o u:ap   | BMI1
BZHI   | Gy:w, Ey, By   | VEX.LZ.0F38 F5 /r    |  | w:szc 0:o u:ap   | BMI2
MULX   | Gy:w, By:w, Ey | VEX.LZ.F2.0F38 F6 /r |  |                  | BMI2
PDEP   | Gy:w, By, Ey   | VEX.LZ.F2.0F38 F5 /r |  |                  | BMI2
PEXT   | Gy:w, By, Ey   | VEX.LZ.F3.0F38 F5 /r |  |                  | BMI2
RORX   | Gy:w, Ey, Ib   | VEX.LZ.F2.0F3A F0 /r |  |                  | BMI2
SARX   | Gy:w, Ey, By   | VEX.LZ.F3.0F38 F7 /r |  |                  | BMI2
SHLX   | Gy:w, Ey, By   | VEX.LZ.66.0F38 F7 /r |  |                  | BMI2
SHRX   | Gy:w, Ey, By   | VEX.LZ.F2.0F38 F7 /r |  |                  | BMI2
`;
