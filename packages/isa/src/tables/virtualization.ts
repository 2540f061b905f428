/** VMX and SVM: SDM vol. 3C, chapter 31; AMD vol. 3, chapter 4. */
export const virtualization = `
VMCALL   |          | NP 0F 01 C1    | sens     |             | VMX
VMLAUNCH |          | NP 0F 01 C2    | priv     | w:zc 0:osap | VMX
VMRESUME |          | NP 0F 01 C3    | priv     | w:zc 0:osap | VMX
VMXOFF   |          | NP 0F 01 C4    | priv     | w:zc 0:osap | VMX
VMFUNC   |          | NP 0F 01 D4    | sens     | w:oszapc    | VMX
VMREAD   | En:w, Gn | NP 0F 78 /r    | f64 priv | w:zc 0:osap | VMX
VMWRITE  | Gn, En   | NP 0F 79 /r    | f64 priv | w:zc 0:osap | VMX
VMPTRLD  | Mq       | NP 0F C7 /6    | priv     | w:zc 0:osap | VMX
VMCLEAR  | Mq       | 66 0F C7 /6    | priv     | w:zc 0:osap | VMX
VMXON    | Mq       | F3 0F C7 /6    | priv     | w:zc 0:osap | VMX
VMPTRST  | Mq:w     | NP 0F C7 /7    | priv     | 0:oszapc    | VMX
INVEPT   | Gn, Mdq  | 66 0F 38 80 /r | f64 priv | w:zc 0:osap | VMX
INVVPID  | Gn, Mdq  | 66 0F 38 81 /r | f64 priv | w:zc 0:osap | VMX

VMRUN   |  | 0F 01 D8 | priv      | r:oszapctidlnrvk | SVM
VMMCALL |  | 0F 01 D9 | sens      |                  | SVM
VMLOAD  |  | 0F 01 DA | priv      |                  | SVM
VMSAVE  |  | 0F 01 DB | priv      |                  | SVM
STGI    |  | 0F 01 DC | priv      |                  | SVM
CLGI    |  | 0F 01 DD | priv      |                  | SVM
SKINIT  |  | 0F 01 DE | jump priv | 0:oszapctidlnrvk | SVM
INVLPGA |  | 0F 01 DF | priv      |                  | SVM
`;
