/** How programs are kept from CPUID (Intel 323850, "CPUID Faulting"); all guests have it. */
export const CpuidFaulting = {
  /** MSR_PLATFORM_INFO, whose bit 31 says that there is such a thing. */
  platformInfo: 0xce,
  available: 0x8000_0000,
  /** MSR_MISC_FEATURES_ENABLES, whose bit 0 makes CPUID fault outside of ring 0. */
  featureEnables: 0x140,
} as const;
