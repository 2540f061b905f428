/**
 * The types that one row of the instruction tables becomes.
 *
 * A row stands for one encoding and serves all operand sizes, as in the opcode maps of SDM vol. 2D,
 * appendix A: `ADD | Ev:rw, Gv | 01 /r` is the 16, the 32 and the 64-bit addition.
 */

/** What an operand is used for: a bit set of read and write, or only its address (LEA, NOP Ev). */
export const Access = { address: 0, read: 1, write: 2, readWrite: 3 } as const;

/** Where an operand is found; the letters are those of SDM vol. 2D, A.2.1, others are marked. */
export const Location = {
  /** E: ModRM.rm, a general register or memory. */
  rmGpr: 0,
  /** R: ModRM.rm, a general register only. */
  rmGprOnly: 1,
  /** M: ModRM.rm, memory only. */
  memory: 2,
  /** G: ModRM.reg, a general register. */
  regGpr: 3,
  /** Z (ours): low three bits of the opcode, a general register. */
  opcodeGpr: 4,
  /** AL, CL, DX, eAX, rAX ...: a general register that the opcode implies. */
  fixedGpr: 5,
  /** I: an immediate. */
  immediate: 6,
  /** J: a displacement relative to the next instruction. */
  relative: 7,
  /** A: a far pointer in the instruction. */
  farPointer: 8,
  /** O: an offset in the instruction (moffs). */
  offset: 9,
  /** S: ModRM.reg, a segment register. */
  segment: 10,
  /** ES, CS, SS, DS, FS, GS implied by the opcode. */
  fixedSegment: 11,
  /** C: ModRM.reg, a control register. */
  control: 12,
  /** D: ModRM.reg, a debug register. */
  debug: 13,
  /** X: memory at DS:eSI, segment overridable. */
  stringSource: 14,
  /** Y: memory at ES:eDI, segment fixed. */
  stringDestination: 15,
  /** ST(0), implied. */
  st0: 16,
  /** ST(i): low three bits of the second opcode byte. */
  sti: 17,
  /** P: ModRM.reg, an MMX register. */
  regMm: 18,
  /** Q: ModRM.rm, an MMX register or memory. */
  rmMm: 19,
  /** N: ModRM.rm, an MMX register only. */
  rmMmOnly: 20,
  /** V: ModRM.reg, an XMM register, or YMM where its size is `qq`. */
  regXmm: 21,
  /** W: ModRM.rm, an XMM or YMM register or memory. */
  rmXmm: 22,
  /** U: ModRM.rm, an XMM or YMM register only. */
  rmXmmOnly: 23,
  /** XMM0, implied (BLENDVPS). */
  xmm0: 24,
  /** The constant 1 of the one-bit shifts, written `1`. */
  one: 25,
  /** Memory at DS:eDI, segment overridable (MASKMOVQ), written `DI`. */
  implicitDi: 26,
  /** Memory at DS:[eBX + zero-extended AL] (XLAT), written `BXAL`. */
  implicitBxAl: 27,
  /** B: VEX.vvvv, a general register. */
  vexGpr: 28,
  /** H: VEX.vvvv, an XMM or YMM register. */
  vexXmm: 29,
  /** L: the upper half of an immediate byte, an XMM or YMM register. */
  immediateXmm: 30,
  /**
   * T (ours): ModRM.rm, memory only, whose index register is an XMM or YMM register of the
   * operand's `size` (VSIB, SDM vol. 2A, 2.3.12); `memorySize` is that of an element.
   */
  vectorMemory: 31,
} as const;

/** Operand-size letters of SDM vol. 2D, A.2.2; the sizes are in {@link operandBytes}. */
export type SizeCode =
  | ''
  | 'b'
  | 'bs'
  | 'w'
  | 'd'
  | 'q'
  | 'dq'
  | 'qq'
  | 't'
  | 'v'
  | 'z'
  | 'y'
  | 'yy'
  | 'n'
  | 'p'
  | 'a'
  | 's'
  | 'e'
  | 'f'
  | 'fx';

/** One operand of a form: where it is, how wide, and how it is used. */
export interface OperandSpec {
  /** The operand in the notation of the tables, without its access role: `Ev`, `Rd/Mb`, `eAX`. */
  readonly text: string;
  /** One of {@link Location}. */
  readonly location: number;
  /** Size of the register form, or of both where they do not differ. */
  readonly size: SizeCode;
  /** Size of the memory form. */
  readonly memorySize: SizeCode;
  /** One of {@link Access}; a write that may not happen (CMOVcc, REP) counts as read and write. */
  readonly access: number;
  /** Register number for implied registers, else -1; AH is `register` 0 with `high`. */
  readonly register: number;
}

/** What an instruction does to each flag, as masks of {@link Flag}. */
export interface FlagEffects {
  readonly read: number;
  /** Written with a value that depends on the operands. */
  readonly written: number;
  readonly cleared: number;
  readonly set: number;
  readonly undefined: number;
  /** written | cleared | set | undefined: everything that may not be preserved. */
  readonly modified: number;
  /**
   * Nothing may be modified at all: shifts by a count, which may be 0 (SDM vol. 2B, SAL). With REP
   * or REPE the same holds for strings, as eCX may be 0.
   */
  readonly conditional: boolean;
}

/** How dangerous an instruction is to a monitor that runs guest code without privilege. */
export type InstructionClass =
  /** Behaves the same at any privilege level. */
  | 'innocuous'
  /** Faults with #GP outside of ring 0. */
  | 'privileged'
  /** Shows or changes privileged state without a fault, or depends on CPL, IOPL or descriptors. */
  | 'sensitive';

/** What an instruction does to the flow of control. */
export type Flow =
  /** Goes on with the next instruction. */
  | 'next'
  /** Conditional near branch, LOOP and JCXZ too. */
  | 'branch'
  /** Unconditional near or far jump. */
  | 'jump'
  | 'call'
  /** RET, RETF, IRET, SYSRET, SYSEXIT, RSM. */
  | 'return'
  /** INT n, INT3, INTO, INT1, SYSCALL, SYSENTER: enters the system by an exception or trap. */
  | 'interrupt'
  /** UD0, UD1, UD2. */
  | 'undefined';

/** Prefix that the encoding demands: see SDM vol. 2A, 3.1.1.1 for NP and NFx. */
export type MandatoryPrefix =
  /** Any: 66, F2 and F3 keep their usual meaning or none. */
  | ''
  /** NP: 66, F2 and F3 must not stand before the opcode. */
  | 'NP'
  /** NFx: F2 and F3 must not stand before the opcode, 66 is the operand size. */
  | 'NFx'
  | '66'
  | 'F3'
  | 'F2';

/** One encoding of one instruction: a row of the tables, parsed. */
export interface Form {
  /** Position in {@link FORMS}; stable only within one version. */
  readonly index: number;
  /**
   * Mnemonic at operand size 16, and the name that keys semantics: `ADD`, `JNE`, `CBW`, `MOVSW`.
   */
  readonly mnemonic: string;
  /**
   * Stem shared by the sixteen conditions (`Jcc`, `SETcc`, `CMOVcc`), else the same as `mnemonic`.
   */
  readonly operation: string;
  /** Condition code 0..15 (O NO B NB Z NZ BE NBE S NS P NP L NL LE NLE), or -1. */
  readonly condition: number;
  /**
   * Mnemonics by operand size 16, 32, 64 (CBW, CWDE, CDQE), or by address size (JCXZ, JECXZ,
   * JRCXZ).
   */
  readonly names: readonly [string, string, string];
  /** Which size picks among `names`. */
  readonly namedBy: 'operand' | 'address';
  readonly operands: readonly OperandSpec[];
  /** The encoding in the notation of the tables, conditions expanded: `0F 84`. */
  readonly encoding: string;
  /** 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A. */
  readonly map: 0 | 1 | 2 | 3;
  /** Last opcode byte; with `opcodeRegister` the one for register 0. */
  readonly opcode: number;
  readonly prefix: MandatoryPrefix;
  /**
   * The VEX prefix that the encoding has: none, or one of which VEX.L must be 0 (LZ, 128) or 1
   * (256) or may be either (LIG), where `prefix` is VEX.pp and `map` is VEX.mmmmm.
   */
  readonly vex: '' | 'LZ' | 'LIG' | '128' | '256';
  /** What VEX.W must be; where it may be either, it can choose the operand size in 64-bit code. */
  readonly vexW: '' | 'W0' | 'W1';
  /** The low three opcode bits are a register (`50+r`). */
  readonly opcodeRegister: boolean;
  /** A ModRM byte follows the opcode. */
  readonly hasModrm: boolean;
  /** Fixed ModRM.reg (`/0` .. `/7`), or -1. */
  readonly digit: number;
  /** What ModRM.mod may be; `ignored` (moves to CRn, DRn): any, and taken as a register. */
  readonly mod: 'any' | 'memory' | 'register' | 'ignored';
  /** Fixed ModRM.rm (`0F 01 C1`), or -1. */
  readonly rm: number;
  /** Valid in 16 and 32-bit code. */
  readonly legacy: boolean;
  /** Valid in 64-bit code. */
  readonly long: boolean;
  /**
   * Operand size in 64-bit code (SDM vol. 2D, table A-1): `d64` is 64 or with 66 16 bits, never 32;
   * `f64` is always 64; `default` is 32, 16 with 66, 64 with REX.W.
   */
  readonly longSize: 'default' | 'd64' | 'f64';
  /** LOCK is allowed when the first operand is memory. */
  readonly lockable: boolean;
  /** Meaning of F2 and F3 for string instructions: none, REP, or REPE and REPNE. */
  readonly repeat: 'none' | 'rep' | 'repe';
  readonly flags: FlagEffects;
  readonly class: InstructionClass;
  readonly flow: Flow;
  /**
   * First processor that has it (`8086`, `286`, `386`, `486`, `P5`), or the CPUID feature (`SSE2`).
   */
  readonly feature: string;
}
