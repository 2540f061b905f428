/** Bits and bytes: SDM vol. 1, 5.1.6; opcodes from vol. 2D, A.3. */
export const bit = `
BT     | Ev, Gv    | 0F A3 /r    |      | w:c u:osap  | 386
BTS    | Ev:rw, Gv | 0F AB /r    | lock | w:c u:osap  | 386
BTR    | Ev:rw, Gv | 0F B3 /r    | lock | w:c u:osap  | 386
BTC    | Ev:rw, Gv | 0F BB /r    | lock | w:c u:osap  | 386
BT     | Ev, Ib    | 0F BA /4    |      | w:c u:osap  | 386
BTS    | Ev:rw, Ib | 0F BA /5    | lock | w:c u:osap  | 386
BTR    | Ev:rw, Ib | 0F BA /6    | lock | w:c u:osap  | 386
BTC    | Ev:rw, Ib | 0F BA /7    | lock | w:c u:osap  | 386
BSF    | Gv:rw, Ev | 0F BC /r    |      | w:z u:osapc | 386
BSR    | Gv:rw, Ev | 0F BD /r    |      | w:z u:osapc | 386
# Without BMI1 and LZCNT, F3 has no effect: these are BSF and BSR there.
TZCNT  | Gv:w, Ev  | F3 0F BC /r |      | w:zc u:osap | BMI1
LZCNT  | Gv:w, Ev  | F3 0F BD /r |      | w:zc u:osap | LZCNT
POPCNT | Gv:w, Ev  | F3 0F B8 /r |      | w:z 0:osapc | POPCNT
SETcc  | Eb:w      | 0F 90+cc /r |      | r:cc        | 386
`;
