/**
 * Numbers of the KVM interface for x86 guests, as Linux documents them in
 * Documentation/virt/kvm/x86/{cpuid,msr,hypercalls}.rst.
 */

/** Bits of EAX of CPUID leaf 0x40000001 that are offered here (cpuid.rst). */
export const KvmFeature = {
  /** The clock is at MSRs 0x11 and 0x12. */
  clockSource: 0x1,
  /** Ports need no delay between accesses. */
  nopIoDelay: 0x2,
  /** The clock is at MSRs 0x4b564d00 and 0x4b564d01. */
  clockSource2: 0x8,
  /** Steal time is at MSR 0x4b564d03. */
  stealTime: 0x20,
  /** Ends of interrupts by a bit in memory, at MSR 0x4b564d04: with a local APIC only. */
  pvEoi: 0x40,
  /**
   * The clock does not warp between processors; flag bit 0 of the time structure tells the same.
   */
  clockSourceStable: 0x100_0000,
} as const;

/** All feature bits that this package implements. */
export const supportedKvmFeatures: number =
  KvmFeature.clockSource |
  KvmFeature.nopIoDelay |
  KvmFeature.clockSource2 |
  KvmFeature.stealTime |
  KvmFeature.pvEoi |
  KvmFeature.clockSourceStable;

/** MSR numbers (msr.rst). */
export const KvmMsr = {
  wallClock: 0x11,
  systemTime: 0x12,
  wallClockNew: 0x4b56_4d00,
  systemTimeNew: 0x4b56_4d01,
  stealTime: 0x4b56_4d03,
  pvEoi: 0x4b56_4d04,
} as const;

/** Hypercall numbers (hypercalls.rst, with the values of Linux's uapi/linux/kvm_para.h). */
export const KvmHypercall = {
  vapicPollIrq: 1,
  kickCpu: 5,
  clockPairing: 9,
  sendIpi: 10,
  schedYield: 11,
  mapGpaRange: 12,
} as const;

/** Error numbers, returned negative in RAX (Linux uapi/linux/kvm_para.h). */
export const KvmError = {
  /** The call needs privilege level 0. */
  permission: 1,
  /** An address is not guest memory. */
  fault: 14,
  /** The call is known and cannot do what is asked. */
  notSupported: 95,
  /** There is no such call. */
  noSuchCall: 1000,
} as const;
