import type { Form } from '@ringfence/isa';

/** Why instructions have no cases, by mnemonic: nothing that a user process runs would show it. */
const REASONS: readonly (readonly [reason: string, mnemonics: string])[] = [
  [
    'not repeatable: identification, time, random numbers',
    'CPUID RDTSC RDTSCP RDPMC RDPID RDRAND RDSEED',
  ],
  ['depends on what the host operating system enabled', 'XGETBV XSAVE XRSTOR XSAVEOPT XSAVEC'],
  ['depends on IOPL and the I/O permission map', 'IN OUT INSB INSW OUTSB OUTSW CLI STI'],
  ['enters the host operating system', 'INT INT1 INT3 SYSCALL SYSENTER'],
  ['depends on CR4.UMIP of the host', 'SGDT SIDT SLDT STR SMSW'],
  ['calls the hypervisor of the host', 'VMCALL VMMCALL VMFUNC'],
];

const REASON_BY_MNEMONIC: ReadonlyMap<string, string> = new Map(
  REASONS.flatMap(([reason, names]) => names.split(' ').map((name) => [name, reason] as const)),
);

/** Why a form has no cases in 32-bit code, or undefined where it must have some. */
export function exclusionReason(form: Form): string | undefined {
  if (!form.legacy) return 'valid in 64-bit code only';
  if (form.class === 'privileged') return 'privileged';
  return REASON_BY_MNEMONIC.get(form.mnemonic);
}
