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
    code: /^(Blendvp[sd]|Pblendvb)_xmm_xmmm128$/,
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
      'With REX.B, 90 is XCHG with R8 (AMD vol. 3, XCHG and NOP). Run on an AMD processor of family ' +
      '25, F3 41 90 exchanges R8 and RAX.',
  },
];

/** Differences of flags, operand roles, flow and class; `ours` and `theirs` as the test prints them. */
export const EFFECT_DIFFERENCES: readonly KnownDifference[] = [];
