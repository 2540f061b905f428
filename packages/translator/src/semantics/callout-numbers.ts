/**
 * Host functions that semantics call by `callout`, implemented by the `cpu` package.
 *
 * Arguments are three i32 `a, b, c`. A result goes through `CpuState.transfer` (low half first).
 * The host may record a fault, redirect control (to `CpuState.target`), or let the instruction go
 * on.
 *
 * Operand sizes are in bits. `loadSegment` and `popFlags` may redirect control although they
 * succeed (to the next instruction in another code mode), so what the instruction does afterwards
 * is given to them: their `c` is 0, or `state address << 8 | bytes` of a register that takes the
 * value in `CpuState.transfer` (as it is on entry) once nothing can fault any more.
 */
export const Callout = {
  /** a = vector of INT n, INT3 (3), INTO (4), ICEBP (1); b = 0 for INT n, 1 INT3/INTO, 2 ICEBP. */
  interrupt: 0,
  /** a = operand size. */
  interruptReturn: 1,
  /** a = selector, b = offset, c = operand size. */
  farJump: 2,
  farCall: 3,
  /** a = bytes to release, c = operand size. */
  farReturn: 4,
  /** a = segment register (8 more for LDS to LSS), b = selector, c = deferred register write. */
  loadSegment: 5,
  /** a = port, b = bytes; result in transfer. Checks I/O permission first. */
  portIn: 6,
  /** a = port, b = bytes, c = value. */
  portOut: 7,
  /** a = port, b = bytes: the permission check alone (string I/O). */
  portCheck: 8,
  /** CPUID, RDTSC(P), RDMSR, WRMSR, RDPMC: the host reads and writes the registers itself. */
  cpuid: 9,
  /** RDTSC; b = 1 for RDTSCP. */
  readTsc: 10,
  readMsr: 11,
  writeMsr: 12,
  readPmc: 13,
  halt: 14,
  /** a = control register; result in transfer. */
  readControl: 15,
  /** a = control register, b = value. */
  writeControl: 16,
  readDebug: 17,
  writeDebug: 18,
  /** a = 0 SGDT 1 SIDT: base and limit to transfer (limit i32 first, then base). */
  storeDescriptorTable: 19,
  /** a = 0 LGDT 1 LIDT, b = limit, c = base. */
  loadDescriptorTable: 20,
  /** a = 0 SLDT 1 STR 2 SMSW; result in transfer. */
  storeSystem: 21,
  /** a = 0 LLDT 1 LTR 2 LMSW, b = value. */
  loadSystem: 22,
  /**
   * a = 0 LAR 1 LSL 2 VERR 3 VERW, b = selector, c = operand size: the value in
   * transfer; ZF is set or cleared by the host.
   */
  inspectSelector: 23,
  /**
   * a = 0 INVD 1 WBINVD 2 CLTS 3 RSM 4 VMCALL 5 VMMCALL 8 SWAPGS
   * 9 CLAC 10 STAC.
   */
  system: 25,
  sysenter: 26,
  /** a = operand size. */
  sysexit: 27,
  syscall: 28,
  sysret: 29,
  /** a = 0 CLI 1 STI. */
  interruptFlag: 30,
  /** a = operand size; the value to push in transfer. */
  pushFlags: 31,
  /** a = operand size, b = the value popped, c = deferred write of the stack pointer. */
  popFlags: 32,
  /** a = register form of XGETBV (0), XSETBV (1). */
  extendedControl: 33,
  /** a = type, b = linear address of the descriptor. */
  invalidatePcid: 34,
  /** a = 0 RDRAND 1 RDSEED, b = bytes: the value in transfer. */
  random: 35,
  /**
   * XSAVE family: a = 0 XSAVE 1 XRSTOR 2 XSAVEOPT 3 XSAVEC 4 XSAVES 5 XRSTORS, b = linear address.
   */
  extendedState: 36,
  /** #NM and #UD conditions of x87 (a = 0) that do not hold inline; all others fault inline. */
  fpuUnavailable: 37,
  /** An unmasked x87 exception is pending: #MF or IRQ 13. */
  fpuError: 38,
  /** CMPXCHG16B, far loads and other rarities that need two checks: see the semantics. */
  rdpid: 39,
  /** a = 0 checks, 1 watches the line at linear address b. */
  monitor: 40,
  monitorWait: 41,
} as const;
