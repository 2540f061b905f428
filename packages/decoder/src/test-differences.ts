/**
 * Where we disagree with iced-x86 1.21, and why we are right.
 *
 * Instructions beyond x86-64-v2 are not listed: they must not exist here, and the comparison checks
 * that (see `NEWER` in test-iced.ts).
 */

/** One disagreement that stays; `code` is the name of iced-x86's instruction. */
export interface KnownDifference {
  readonly what: string;
  readonly code: RegExp;
  readonly ours: string;
  readonly theirs: string;
  readonly why: string;
}

/** Differences of decoding: validity, mnemonic, length, operands. */
export const DECODING_DIFFERENCES: readonly KnownDifference[] = [
  {
    what: 'validity',
    code: /^Reservednop_.*_0F0D$/,
    ours: 'INVALID 0',
    theirs: 'RESERVEDNOP',
    why:
      'Only the memory forms of 0F 0D exist on AMD processors, whose model we have: AMD vol. 3, ' +
      'PREFETCHlevel. Run on an AMD processor of family 25, 0F 0D C0 raises #UD.',
  },
  {
    what: 'count',
    code: /^(Blendvp[sd]|Pblendvb|Sha256rnds2)_xmm_xmmm128$/,
    ours: '3',
    theirs: '2',
    why: 'XMM0 is an operand: SDM vol. 2A, BLENDVPS xmm1, xmm2/m128, <XMM0>.',
  },
  {
    what: 'mnemonic',
    code: /^Pcmpestr[im]64_/,
    ours: 'PCMPESTR',
    theirs: 'PCMPESTR',
    why: 'The manual has no own mnemonic for REX.W: SDM vol. 2B, PCMPESTRI and PCMPESTRM.',
  },
  {
    what: 'mnemonic',
    code: /^VEX_Vpcmpestr[im]64_/,
    ours: 'VPCMPESTR',
    theirs: 'VPCMPESTR',
    why: 'The manual has no own mnemonic for REX.W: SDM vol. 2B, PCMPESTRI and PCMPESTRM.',
  },
  {
    what: 'mnemonic',
    code: /^Vmgexit/,
    ours: 'VMMCALL',
    theirs: 'VMGEXIT',
    why: 'Without SEV-ES, VMGEXIT is VMMCALL: AMD vol. 3, VMGEXIT.',
  },
  {
    what: 'mnemonic',
    code: /^Pause$/,
    ours: 'XCHG',
    theirs: 'PAUSE',
    why:
      'With REX.B, 90 is XCHG with R8 (AMD vol. 3, XCHG and NOP). Run on an AMD processor ' +
      'of family 25, F3 41 90 exchanges R8 and RAX.',
  },
];

/**
 * Differences of flags, operand roles, flow and class; `ours` and `theirs` as the test prints them.
 */
export const EFFECT_DIFFERENCES: readonly KnownDifference[] = [
  {
    what: 'role 2',
    code: /^(Blendvp[sd]|Pblendvb|Sha256rnds2)_xmm_xmmm128$/,
    ours: 'r',
    theirs: 'None',
    why: 'See above: XMM0 is an operand.',
  },
  {
    what: 'role',
    code: /^Pause$/,
    ours: 'rw',
    theirs: 'None',
    why: 'See above: F3 41 90 is XCHG.',
  },
  {
    what: 'role 0',
    code: /^Rdssp[dq]_/,
    ours: 'n',
    theirs: 'Write',
    why: 'Without CET, F3 0F 1E is a no-operation: SDM vol. 2D, table A-3, 0F 1E.',
  },
  {
    what: 'role 0',
    code: /^Insertq_xmm_xmm_imm8_imm8$/,
    ours: 'rw',
    theirs: 'Write',
    why: 'Bits outside of the field keep their value: AMD vol. 4, INSERTQ.',
  },
  {
    what: 'role 0',
    code: /^(Maskmov(q|dqu)|VEX_Vmaskmovdqu)_/,
    ours: 'rw',
    theirs: 'Write',
    why: 'Bytes whose mask bit is 0 keep their value: SDM vol. 2B, MASKMOVQ and MASKMOVDQU.',
  },
  {
    what: 'flags',
    code: /^Fxrstor/,
    ours: 'r: w:0123 0: 1: u:',
    theirs: 'r: w: 0: 1: u:',
    why: 'The x87 status word is loaded, C0 to C3 with it: SDM vol. 1, 10.5.1.',
  },
  {
    what: 'flags',
    code: /^Xrstor/,
    ours: 'r: w:0123 0: 1: u:',
    theirs: 'r: w: 0: 1: u:',
    why: 'The x87 status word is loaded, C0 to C3 with it: SDM vol. 1, 13.8.',
  },
  {
    what: 'flags',
    code: /^(Int1|Int3|Int_imm8)$/,
    ours: 'r: w:ik 0: 1: u:',
    theirs: 'r: w: 0: 1: u:',
    why: 'IF, TF, NT, AC, RF and VM may be cleared: SDM vol. 2A, INT n, Flags Affected.',
  },
  {
    what: 'flags',
    code: /^Into$/,
    ours: 'r:o w:ik 0: 1: u:',
    theirs: 'r:o w: 0: 1: u:',
    why: 'IF, TF, NT, AC, RF and VM may be cleared: SDM vol. 2A, INT n, Flags Affected.',
  },
  {
    what: 'flags',
    code: /^(Iretw|Popfw)$/,
    ours: 'r: w:oszapcdik 0: 1: u:',
    theirs: 'r: w:oszapcdi 0: 1: u:',
    why:
      'One row serves three sizes; the 16-bit form alone keeps AC: SDM vol. 2B, POPF, ' +
      'table 4-18.',
  },
  {
    what: 'flags',
    code: /^Pushfw$/,
    ours: 'r:oszapcdik w: 0: 1: u:',
    theirs: 'r:oszapcdi w: 0: 1: u:',
    why:
      'One row serves three sizes; the 16-bit form alone does not push AC: SDM vol. 2B, ' +
      'PUSHF.',
  },
  {
    what: 'flags',
    code: /^Rc[lr]_rm(8|16)_imm8$/,
    ours: 'r:c w:c 0: 1: u:o',
    theirs: 'r:c w:oc 0: 1: u:',
    why:
      'OF is defined for a masked count of 1, not for a count that is 1 modulo 9 or 17: ' +
      'SDM vol. 2B, RCL, Operation.',
  },
  {
    what: 'flags',
    code: /^Sar_rm(8|16|32|64)_(1|imm8)$/,
    ours: 'r: w:szpc 0:o 1: u:a',
    theirs: 'r: w:oszpc 0: 1: u:a',
    why: 'SAR by 1 clears OF: SDM vol. 2B, SAL/SAR/SHL/SHR, Flags Affected.',
  },
  {
    what: 'flags',
    code: /^Vmcall$/,
    ours: 'r: w: 0: 1: u:',
    theirs: 'r: w:zc 0:osap 1: u:',
    why:
      'A guest sees no flags change, as VMCALL leaves it: SDM vol. 3C, 26.1.2. Only VMX ' +
      'root operation sets flags.',
  },
  {
    what: 'flow',
    code: /^(Vmcall|Vmmcall|Vmgexit.*|Vmlaunch|Vmresume|Vmrun[wdq])$/,
    ours: 'next',
    theirs: 'call',
    why:
      'The monitor returns to the next instruction, and on a failed entry it is next at ' +
      'once: SDM vol. 3C, 31.3; AMD vol. 2, 15.5.',
  },
  {
    what: 'flow',
    code: /^(Syscall|Sysenter)$/,
    ours: 'interrupt',
    theirs: 'call',
    why:
      'Our class interrupt has every entry into the system; nothing is pushed: SDM vol. ' +
      '2B, SYSCALL.',
  },
  {
    what: 'flow',
    code: /^Skinit$/,
    ours: 'jump',
    theirs: 'return',
    why: 'Execution goes on at the loaded block, nothing is returned to: AMD vol. 3, SKINIT.',
  },
  {
    what: 'privileged',
    code: /^(Monitor[wdq]|Mwait)$/,
    ours: 'true',
    theirs: 'false',
    why: '#UD at CPL above 0: SDM vol. 2B, MONITOR and MWAIT.',
  },
];
