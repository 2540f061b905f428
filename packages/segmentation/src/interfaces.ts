import type { Fault } from './fault.ts';

/**
 * Guest memory by linear address, as segmentation needs it: paging done, faults as values.
 *
 * `system` true means an implicit supervisor access, which is made with supervisor privilege
 * whatever CPL is (descriptor tables, TSS, the stack of an inner level; SDM 3A 4.6); false means an
 * access at the current `CpuState.cpl`. Linear addresses are int32 or uint32, either way taken
 * modulo 2^32, and need not be aligned; an access that crosses a page and faults in its second
 * part changes nothing. Whoever makes a page fault also sets CR2: segmentation always returns
 * to its caller the last page fault that it was given.
 */
export interface LinearMemory {
  /**
   * Fault of the last read, 0 when it succeeded. Every read sets it; the value that a faulting
   * read returns is meaningless. Writes return their fault and may leave this field alone.
   */
  fault: Fault;
  /** Reads 8 bits, zero-extended. */
  read8(linear: number, system: boolean): number;
  /** Reads 16 bits, zero-extended. */
  read16(linear: number, system: boolean): number;
  /** Reads 32 bits as an int32. */
  read32(linear: number, system: boolean): number;
  /** Writes the low 8 bits of `value`. */
  write8(linear: number, value: number, system: boolean): Fault;
  /** Writes the low 16 bits of `value`. */
  write16(linear: number, value: number, system: boolean): Fault;
  /** Writes 32 bits. */
  write32(linear: number, value: number, system: boolean): Fault;
  /**
   * Makes sure that writes to `bytes` bytes (1 to 4096) from `linear` will not fault: does the page
   * walks, sets accessed and dirty bits as a write would, writes nothing. The fault is that of the
   * lowest address that cannot be written.
   */
  probeWrite(linear: number, bytes: number, system: boolean): Fault;
}

/** What segmentation tells the virtual CPU about. Called during an operation, before it returns. */
export interface SegmentationHost {
  /**
   * `CpuState.cpl` has changed: what accesses at the current privilege may touch is different now.
   * Called before any access with the new privilege.
   */
  onPrivilegeChange(): void;
  /**
   * A task switch loads CR3 (only called with CR0.PG set; SDM 3A 7.3). Writes `CpuState.cr`,
   * changes the address space; a fault (PAE page-directory pointers that are not valid) is
   * taken in the new task.
   */
  loadCr3(value: number): Fault;
  /**
   * A task switch has passed its commit point: DR7's local enables are cleared and CR0.TS is set in
   * the CPU state. `debugTrap` is the T bit of the new TSS: set DR6.BT and raise #DB as a trap
   * before the first instruction of the new task (SDM 3B 17.3.1.5).
   */
  onTaskSwitch(debugTrap: boolean): void;
}

/**
 * What causes `Segmentation.interrupt`: it decides the return address, the privilege checks, the
 * EXT bit of error codes and the saved RF (SDM 2A INT n, SDM 3A 6.12.1, 6.13 and 6.8.3).
 */
export const InterruptKind = {
  /** INTR or NMI. Returns to `CpuState.rip`. EXT is 1. */
  external: 0,
  /** A fault. Returns to `CpuState.rip`, saves RF set, but as is for #DB. EXT is 1. */
  fault: 1,
  /** A trap or abort: single step, #DF. Returns to `CpuState.rip`, saves RF as is. EXT is 1. */
  trap: 2,
  /** INT n. Returns to `CpuState.nextEip`. Gate DPL, IOPL in virtual-8086 mode, VME. EXT is 0. */
  software: 3,
  /** INT3, INTO. Returns to `CpuState.nextEip`. Gate DPL is checked, IOPL is not. EXT is 0. */
  softwareTrap: 4,
  /** INT1 (ICEBP). Returns to `CpuState.nextEip`. No gate DPL check. EXT is 1. */
  privilegedTrap: 5,
} as const;

/** One of the values of `InterruptKind`. */
export type InterruptKind = (typeof InterruptKind)[keyof typeof InterruptKind];

/** Says that an interrupt pushes no error code; any other value is the error code itself. */
export const noErrorCode = -1;

/** Operand size of a transfer in bytes: 2 or 4 (SDM 1 3.6). */
export type OperandBytes = 2 | 4;

/**
 * The operations of the package, as `packages/cpu` calls them. `Segmentation` implements it.
 *
 * Entry: `CpuState.rip` is the EIP of the instruction (or of the next one, for interrupts that are
 * not made by an instruction), `CpuState.nextEip` the EIP after it. Success: returns 0, and the new
 * EIP is in `CpuState.rip` for transfers; other operations leave `rip` alone. A fault: nothing has
 * changed but accessed bits in memory, except that a task switch may fault in the new task, with
 * the new task's state in place (SDM 3A 7.3). `CpuState.cpl`, `codeMode` and `alignmentCheck` are
 * kept right by every operation.
 */
export interface SegmentationOperations {
  /** Result of the last operation that has one: LAR, LSL, PUSHF, ARPL, SLDT, STR. */
  readonly result: number;
  /** MOV Sreg, POP Sreg, LDS and so on: loads ES, SS, DS, FS or GS (SDM 2B MOV). */
  loadSegment(register: number, selector: number): Fault;
  /** JMP ptr16:16/32 and m16:16/32 (SDM 2A JMP). */
  farJump(selector: number, offset: number, size: OperandBytes): Fault;
  /** CALL ptr16:16/32 and m16:16/32 (SDM 2A CALL). */
  farCall(selector: number, offset: number, size: OperandBytes): Fault;
  /** RETF and RETF imm16; `releasedBytes` is the immediate (SDM 2B RET). */
  farReturn(releasedBytes: number, size: OperandBytes): Fault;
  /** IRET and IRETD (SDM 2A IRET). NMI unblocking is the caller's. */
  iret(size: OperandBytes): Fault;
  /**
   * Delivers an interrupt or exception (SDM 3A 6.12, 2A INT n, 20.2 and 20.3). `errorCode` is
   * `noErrorCode` or 16 bits. Combining a fault that it returns with the one that it
   * delivers is the caller's, with `combineFaults`.
   */
  interrupt(vector: number, kind: InterruptKind, errorCode: number): Fault;
  /** LLDT (SDM 2A LLDT). */
  lldt(selector: number): Fault;
  /** LTR (SDM 2A LTR). */
  ltr(selector: number): Fault;
  /** LGDT; a base loaded with operand size 2 has 24 bits (SDM 2A LGDT). */
  lgdt(base: number, limit: number, size: OperandBytes): Fault;
  /** LIDT (SDM 2A LGDT/LIDT). */
  lidt(base: number, limit: number, size: OperandBytes): Fault;
  /** What SGDT, SIDT, SLDT, STR and SMSW check before they store: UMIP (SDM 2B SGDT). */
  checkUmip(): Fault;
  /** SLDT: `result` is the LDTR selector (SDM 2B SLDT). */
  sldt(): Fault;
  /** STR: `result` is the TR selector (SDM 2B STR). */
  str(): Fault;
  /** LAR: ZF says whether `result` holds the access rights (SDM 2A LAR). */
  lar(selector: number, size: OperandBytes): Fault;
  /** LSL: ZF says whether `result` holds the limit (SDM 2A LSL). */
  lsl(selector: number, size: OperandBytes): Fault;
  /** VERR: sets ZF (SDM 2B VERR). */
  verr(selector: number): Fault;
  /** VERW: sets ZF (SDM 2B VERR). */
  verw(selector: number): Fault;
  /** ARPL: sets ZF; `result` is the new destination, which is stored if ZF (SDM 2A ARPL). */
  arpl(destination: number, source: number): Fault;
  /** SYSENTER with the values of IA32_SYSENTER_CS, _ESP and _EIP (SDM 2B SYSENTER). */
  sysenter(cs: number, esp: number, eip: number): Fault;
  /** SYSEXIT with the value of IA32_SYSENTER_CS (SDM 2B SYSEXIT). */
  sysexit(cs: number): Fault;
  /** SYSCALL outside long mode with the two halves of STAR (APM 3 SYSCALL). */
  syscall(starLow: number, starHigh: number): Fault;
  /** SYSRET outside long mode with the high half of STAR (APM 3 SYSRET). */
  sysret(starHigh: number): Fault;
  /** Whether IN, OUT, INS, OUTS may touch `bytes` (1, 2, 4) ports from `port` (SDM 1 19.5). */
  checkIo(port: number, bytes: number): Fault;
  /** PUSHF: `result` is the image to push (SDM 2B PUSHF). */
  pushf(size: OperandBytes): Fault;
  /** POPF of an image that was read from the stack (SDM 2B POPF). */
  popf(image: number, size: OperandBytes): Fault;
  /** CLI (SDM 2A CLI). */
  cli(): Fault;
  /** STI; sets `CpuState.interruptShadow` to 1 when IF goes from 0 to 1 (SDM 2B STI). */
  sti(): Fault;
  /** To be called after CR0.PE, CR0.AM or EFLAGS.VM or AC were changed by other means. */
  updateMode(): void;
  /** Segment registers, GDTR, IDTR, LDTR, TR as they are after power-up (SDM 3A table 9-1). */
  reset(): void;
}
