/**
 * Absolute byte addresses of the virtual CPU's state in linear memory.
 *
 * Both tiers and TypeScript work on these bytes; there is no other copy. Multi-byte fields are
 * little-endian. `i32` unless a comment says otherwise. They are literals, not sums with
 * `Layout.nearState` and `Layout.cpuState`, because isolated declarations take no expressions.
 */
export const CpuState = {
  /** Lazy flags: the last result, sign-extended to 32 bits (see flags below). */
  flagsResult: 0x20,
  /** Lazy flags: carry 31, carry^overflow 30, parity delta 15..8, adjust 3, sign delta 0. */
  flagsCarries: 0x24,
  /**
   * What the flags are left as by a region (see `LazyFlags` in translator); 0, the two words above,
   * wherever the interpreter or TypeScript runs.
   */
  flagsKind: 0x28,
  /** Result of the INC or DEC that `flagsKind` names. */
  flagsAmended: 0x2c,
  /** Instructions left to run before the run loop wants control. */
  budget: 0x30,
  /** Current shadow directory for data (linear-memory address), by address space and privilege. */
  dirData: 0x34,
  /** EIP minus the offset within its page, of the page that the interpreter is in. */
  eipBase: 0x38,
  /** Target EIP of a transfer that leaves the page. */
  target: 0x3c,
  /**
   * Sixteen 64-bit general registers in the manual's order: RAX RCX RDX RBX RSP RBP RSI RDI R8...
   */
  gpr: 0x40,
  /** RIP (i64) of the instruction that is about to run; exact only outside generated code. */
  rip: 0x1080,
  /** Eight bytes that are always zero: the "no register" of an effective address. */
  zero: 0x1088,
  /** EFLAGS without OF, SF, ZF, AF, PF, CF (`flagsResult`, `flagsCarries`); bit 1 is set. */
  eflags: 0x1098,
  /** Current privilege level, 0 to 3. */
  cpl: 0x109c,
  /** CodeMode bits of the running code segment (see code-mode.ts). */
  codeMode: 0x10a0,
  /** EIP of the instruction after the one that made a callout. */
  nextEip: 0x10ac,
  /** Why generated code returned (ExitReason). */
  exitReason: 0x10b4,
  /** The pending guest fault: vector in bits 7..0, bit 8 set if it has an error code; -1 none. */
  faultVector: 0x10b8,
  /** Error code of the pending fault. */
  faultError: 0x10bc,
  /** Nonzero while CR0.AM, EFLAGS.AC and CPL 3 make unaligned accesses fault. */
  alignmentCheck: 0x10c4,
  /** Current shadow directory for instruction fetch. */
  dirExec: 0x10cc,
  /** Shadow directory for implicit supervisor accesses (descriptor tables, TSS). */
  dirSystem: 0x10d0,
  /** Address of the record being executed when a callout is made. */
  record: 0x10d4,
  /** Instructions that regions have retired since the run loop last looked. */
  translated: 0x10d8,
  /** Counts droppings of regions; a region whose callee saw one does not go on behind the call. */
  dropCount: 0x10dc,
  /** Low and high half of a value passed to or from a slow access (16 bytes). */
  transfer: 0x10e0,
  /** Retired instructions (i64) up to the entry of the current run. */
  retired: 0x10f0,
  /** What `budget` was at the entry of the current run; retired + (runBudget - budget) is now. */
  runBudget: 0x10f8,
  /** Interrupt shadow: 1 after STI, 2 after MOV SS / POP SS; cleared after the next instruction. */
  interruptShadow: 0x10fc,
  /** Eight segment registers, 32 bytes each, in SegmentRegister order (see SegmentField). */
  segments: 0x1100,
  /** GDTR base (i64) and limit (i32 at +8). */
  gdtr: 0x1200,
  /** IDTR base (i64) and limit (i32 at +8). */
  idtr: 0x1210,
  /** CR0, CR1 (unused), CR2, CR3, CR4 as i64 each; CR8 at +0x40. */
  cr: 0x1220,
  /** DR0 to DR7, i64 each. */
  dr: 0x1270,
  /** IA32_EFER (i64). */
  efer: 0x12b0,
  /** x87 control word, status word with TOP in bits 13..11, full tag word: i32 each. */
  fpuControl: 0x12c0,
  fpuStatus: 0x12c4,
  /** Tag word as eight 1-bit "not empty" flags by physical register (as FXSAVE's abridged tag). */
  fpuTags: 0x12c8,
  fpuOpcode: 0x12cc,
  /** Last x87 instruction pointer offset, its CS, last operand offset, its segment: i32 each. */
  fpuIp: 0x12d0,
  fpuCs: 0x12d4,
  fpuDp: 0x12d8,
  fpuDs: 0x12dc,
  /** SSE control and status. */
  mxcsr: 0x12e0,
  /** XCR0 (i64). */
  xcr0: 0x12e8,
  /**
   * Eight x87 physical registers R0..R7 (not ST-relative): significand i64, then sign+exponent i16.
   */
  fpu: 0x1300,
  /** XMM0 to XMM7, 16 bytes each: the low halves of the YMM registers. */
  xmm: 0x1400,
  /** The high halves of YMM0 to YMM7, 16 bytes each. */
  ymmHigh: 0x1480,
  /** Scratch for generated code (64 bytes). */
  temporary: 0x1500,
  /** How many regions wait for a region that they called. */
  callDepth: 0x1548,
  /** EIP at which the loop went on after the last region that returned to it. */
  leftTo: 0x1558,
  /** How many instructions regions gave up to the interpreter, and the EIP of the last. */
  gaveUp: 0x1550,
  gaveUpAt: 0x1554,
  /**
   * EIP of the page of the region that gave it up; bit 0: whether the instruction's look-up was its
   * own there.
   */
  gaveUpIn: 0x155c,
  /** Nonzero while repeated string instructions stop after each element, to be trapped there. */
  singleElements: 0x1540,
  /** Nonzero while an interrupt may be requested that IF holds off: STI tells the run loop. */
  interruptWaits: 0x1560,
  /** Nonzero after STI set IF in generated code, until the run loop has looked. */
  shadowNoted: 0x1564,
  /** What `runBudget - budget` was after that STI. */
  shadowAt: 0x1568,
  /** Shadow directories for data and for fetches: of CPL 0 to 2, then of CPL 3 (16 bytes). */
  directories: 0x1570,
  /** 1 while the current directories are those of CPL 3, else 0. */
  isUser: 0x1580,
  /** IA32_SYSENTER_CS, IA32_SYSENTER_ESP and IA32_SYSENTER_EIP, as far as SYSENTER looks. */
  sysenterCs: 0x1584,
  sysenterEsp: 0x1588,
  sysenterEip: 0x158c,
  /** Nonzero while IRET has to be told to the run loop: NMIs, breakpoints on code. */
  returnsSlowly: 0x1590,
  /** Nonzero after IRET set RF in generated code, until the run loop has looked. */
  resumeNoted: 0x1594,
  /** What `runBudget - budget` was after that IRET. */
  resumeAt: 0x1598,
  /** How many more page faults may be delivered before the run loop looks; 0 for none. */
  faultsLeft: 0x159c,
  /**
   * EIP from which on the host looks code up: that of the first byte of the page in which CS ends,
   * or behind CS where it ends with a page. Records of that page are for this limit alone.
   */
  fetchEnd: 0x15a0,
  /** Nonzero where images show x87 pointers only while an exception is pending (XSaveErPtr). */
  pointersByError: 0x15a4,
  /** What the budget was behind the last part of a repeated instruction that is not at its end. */
  repeatedAt: 0x15a8,
  /** Scratch for the lanes of instructions with a VEX prefix (192 bytes). */
  lanes: 0x1600,
} as const;

/** General register numbers as the manual encodes them (SDM 2A table 2-2). */
export const Gpr = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7 } as const;

/** Segment register numbers as the manual encodes them (SDM 2A table 2-1), then LDTR and TR. */
export const SegmentRegister = {
  es: 0,
  cs: 1,
  ss: 2,
  ds: 3,
  fs: 4,
  gs: 5,
  ldtr: 6,
  tr: 7,
} as const;

/**
 * Byte offsets within one 32-byte segment register at `CpuState.segments + 32 * register`.
 *
 * An access to bytes `first..last` of a segment is allowed when
 * `readFirst <= first <= last <= readLast` (unsigned, no wrap), and likewise for writes; a segment
 * that may not be read has `readFirst = 0xffffffff, readLast = 0`. Type, present, expand-down and
 * granularity are folded into these bounds when the register is loaded.
 */
export const SegmentField = {
  /** Visible selector, 16 bits in an i32. */
  selector: 0,
  /**
   * Descriptor bits 55..40 as in the second doubleword shifted right by 8: type, S, DPL, P, AVL, L,
   * D/B, G.
   */
  attributes: 4,
  /** Linear base: the low 32 bits; high half at +12 is reserved for 64-bit FS and GS. */
  base: 8,
  /** Limit in bytes, after granularity is applied. */
  limit: 16,
  /** Lowest and highest readable offset. */
  readFirst: 20,
  readLast: 24,
  /** Lowest writable offset; the highest is readLast. 0xffffffff when not writable. */
  writeFirst: 28,
} as const;

/** Bytes of one segment register in the CPU state. */
export const segmentBytes = 32;

/** Why generated code returned to the run loop. */
export const ExitReason = {
  /** The instruction budget is used up. */
  budget: 0,
  /** A guest fault is pending in `faultVector`, `faultError`; `rip` is the faulting instruction. */
  fault: 1,
  /** A callout asked for the run loop (`attention`); `rip` is the next instruction to run. */
  attention: 2,
  /** HLT retired; `rip` is after it. */
  halt: 3,
  /** As `fault`, and `rip` is set: a fault of an instruction that a region gave up. */
  faultAtRip: 4,
} as const;

/**
 * Bits of `CpuState.codeMode`: everything outside the instruction bytes that changes what
 * predecoded records mean. Records of one physical page are kept once per code mode. Bit 0 is
 * always set, so that zeroed memory matches no mode.
 */
export const CodeMode = {
  valid: 1,
  /** CS.D: default operand and address size 32. */
  code32: 2,
  /** CS.L with EFER.LMA: 64-bit mode. */
  code64: 4,
  /** SS.B: the stack pointer is ESP, not SP. */
  stack32: 8,
  /**
   * CS, DS, ES and SS have base 0 and limit 4 GiB and DS, ES, SS are readable and writable: their
   * bases and limits need not be looked at. FS and GS always are.
   */
  flat: 16,
  /**
   * Records of the page in which CS ends, decoded no further; the offset of the last byte in the
   * page is in bits 27..16. Never in `CpuState.codeMode`, so that only the host finds them.
   */
  limited: 32,
} as const;
