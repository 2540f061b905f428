/** Prefixes that stood before the opcode, as bits of {@link Instruction.prefixes}. */
export const Prefix = {
  lock: 0x01,
  /** F3. Also set where F3 is part of the opcode; of F2 and F3 the last one counts. */
  rep: 0x02,
  /** F2. */
  repne: 0x04,
  /** 66. */
  operandSize: 0x08,
  /** 67. */
  addressSize: 0x10,
  /** 26, 2E, 36, 3E, 64, 65; in 64-bit code the first four have no effect and do not set it. */
  segment: 0x20,
  /** A REX prefix directly before the opcode. */
  rex: 0x40,
} as const;

/** What an operand is, in {@link Instruction.operandKind}. */
export const OperandKind = {
  none: 0,
  /** AL CL DL BL, SPL BPL SIL DIL (4..7, with REX only), R8B..R15B. */
  gpr8: 1,
  /** AH CH DH BH: `operandRegister` is 0..3, the register whose bits 15:8 are meant. */
  gpr8High: 2,
  gpr16: 3,
  gpr32: 4,
  gpr64: 5,
  /** `segment:[base + (index << scale) + displacement]`; base and index may be -1. */
  memory: 6,
  /** `segment:[eSI]`. */
  stringSource: 7,
  /** `ES:[eDI]`. */
  stringDestination: 8,
  /** `immediate`, `immediateHigh`; for the second immediate of ENTER see `immediate2`. */
  immediate: 9,
  /** Second immediate of ENTER: `immediate2`. */
  immediate2: 10,
  /** Branch target: `immediate` bytes after the next instruction. */
  relative: 11,
  /** Far pointer: offset `immediate`, selector `immediate2`. */
  farPointer: 12,
  /** x87 register ST(0)..ST(7). */
  st: 13,
  mm: 14,
  xmm: 15,
  /** 0..5 = ES CS SS DS FS GS. */
  segment: 16,
  control: 17,
  debug: 18,
  /** The constant 1 of the one-bit shifts and rotates. */
  one: 19,
  ymm: 20,
} as const;

/** Value of {@link Instruction.form} when nothing was decoded. */
export const NO_FORM = -1;

/** Number that stands for RIP in {@link Instruction.base}. */
export const BASE_RIP = 16;

/** The result of decodeInto for an opcode that does not exist: the CPU raises #UD. */
export const INVALID = 0;

/** The result of decodeInto when `end` came before the end of the instruction. */
export const NEED_MORE = -1;

/** The result of decodeInto for more than 15 bytes: #GP(0) (SDM vol. 3A, 6.15, interrupt 13). */
export const TOO_LONG = -2;

/** The result of decodeInto for LOCK where it is not allowed: #UD (SDM vol. 2A, LOCK). */
export const INVALID_LOCK = -3;

/**
 * One decoded instruction: a record that {@link decodeInto} fills again and again.
 *
 * All fields are numbers. 32-bit quantities are int32; a 64-bit immediate or displacement has its
 * upper half in a field of its own. Fields that a form does not use have their neutral value (0, or
 * -1 for registers), so that a record may be copied and compared whole.
 */
export class Instruction {
  /** Index into FORMS of `@ringfence/isa`, or {@link NO_FORM}. */
  form: number = NO_FORM;
  /** Bytes of the whole instruction, 1..15. */
  length: number = 0;
  /** Effective operand size: 16, 32 or 64. */
  operandSize: number = 32;
  /** Effective address size: 16, 32 or 64. */
  addressSize: number = 32;
  /** Bits of {@link Prefix}. */
  prefixes: number = 0;
  /** The REX prefix byte (0100WRXB), or what a VEX prefix says of it in 64-bit code, or 0. */
  rex: number = 0;
  /** VEX.vvvv as the number of a register, 0 to 15; 0 without a VEX prefix. */
  vvvv: number = 0;
  /**
   * Effective segment of the memory operand (the overridable one, for strings the source):
   * 0..5 = ES CS SS DS FS GS, defaults applied. The segment of CS and DS overrides in 64-bit code
   * is that of the default, as they are ignored there.
   */
  segment: number = 3;
  /** 1 if there is a ModRM byte, else 0. */
  hasModrm: number = 0;
  /** ModRM.mod, 0..3. */
  mod: number = 0;
  /** ModRM.reg without REX, 0..7. */
  reg: number = 0;
  /** ModRM.rm without REX, 0..7. */
  rm: number = 0;
  /** Base register of the memory operand: -1 none, 0..15, {@link BASE_RIP}. */
  base: number = -1;
  /** Index register of the memory operand: -1 none, 0..15. */
  index: number = -1;
  /**
   * Bytes of the index where it is a vector register (VSIB): 16, 32; else 0. `operandRegister` of
   * the memory operand is its number too.
   */
  vectorIndex: number = 0;
  /** Left shift of the index, 0..3. */
  scale: number = 0;
  /** Displacement, sign-extended to int32; zero-extended for 16-bit address size without base. */
  displacement: number = 0;
  /** Upper half of a 64-bit moffs; else the sign of `displacement`. */
  displacementHigh: number = 0;
  /**
   * Immediate, branch displacement or far offset. `Iz`, `Iv`, `Ibs` and branches are sign-extended
   * from their width, `Ib` and `Iw` zero-extended. A far offset is its raw bits.
   */
  immediate: number = 0;
  /** Upper half of the immediate as a 64-bit value. */
  immediateHigh: number = 0;
  /** Nesting level of ENTER, selector of a far pointer. */
  immediate2: number = 0;
  /** Number of operands, 0..4. */
  operandCount: number = 0;
  /** {@link OperandKind} of each operand, `none` beyond the count. */
  readonly operandKind: Uint8Array = new Uint8Array(4);
  /** Register number of each register operand, else 0. */
  readonly operandRegister: Uint8Array = new Uint8Array(4);
  /** Bytes of each operand, memory too; 0 where there is no size (LEA, INVLPG, XSAVE). */
  readonly operandBytes: Uint16Array = new Uint16Array(4);
}
