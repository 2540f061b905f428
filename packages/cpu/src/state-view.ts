import { CpuState } from '@ringfence/memory';

/** Word indices (address / 4) of the CPU state in an Int32Array over linear memory. */
export const Word: Readonly<
  Record<
    | 'gpr'
    | 'rip'
    | 'nextEip'
    | 'eflags'
    | 'cpl'
    | 'codeMode'
    | 'fetchEnd'
    | 'pointersByError'
    | 'repeatedAt'
    | 'eipBase'
    | 'dirExec'
    | 'target'
    | 'budget'
    | 'runBudget'
    | 'exitReason'
    | 'faultVector'
    | 'faultError'
    | 'alignmentCheck'
    | 'record'
    | 'transfer'
    | 'interruptShadow'
    | 'singleElements'
    | 'interruptWaits'
    | 'shadowNoted'
    | 'shadowAt'
    | 'returnsSlowly'
    | 'resumeNoted'
    | 'resumeAt'
    | 'faultsLeft'
    | 'cr0'
    | 'cr2'
    | 'cr3'
    | 'cr4'
    | 'cr8'
    | 'dr'
    | 'efer',
    number
  >
> = {
  gpr: CpuState.gpr >> 2,
  rip: CpuState.rip >> 2,
  nextEip: CpuState.nextEip >> 2,
  eflags: CpuState.eflags >> 2,
  cpl: CpuState.cpl >> 2,
  codeMode: CpuState.codeMode >> 2,
  fetchEnd: CpuState.fetchEnd >> 2,
  pointersByError: CpuState.pointersByError >> 2,
  repeatedAt: CpuState.repeatedAt >> 2,
  eipBase: CpuState.eipBase >> 2,
  dirExec: CpuState.dirExec >> 2,
  target: CpuState.target >> 2,
  budget: CpuState.budget >> 2,
  runBudget: CpuState.runBudget >> 2,
  exitReason: CpuState.exitReason >> 2,
  faultVector: CpuState.faultVector >> 2,
  faultError: CpuState.faultError >> 2,
  alignmentCheck: CpuState.alignmentCheck >> 2,
  record: CpuState.record >> 2,
  transfer: CpuState.transfer >> 2,
  interruptShadow: CpuState.interruptShadow >> 2,
  singleElements: CpuState.singleElements >> 2,
  interruptWaits: CpuState.interruptWaits >> 2,
  shadowNoted: CpuState.shadowNoted >> 2,
  shadowAt: CpuState.shadowAt >> 2,
  returnsSlowly: CpuState.returnsSlowly >> 2,
  resumeNoted: CpuState.resumeNoted >> 2,
  resumeAt: CpuState.resumeAt >> 2,
  faultsLeft: CpuState.faultsLeft >> 2,
  cr0: CpuState.cr >> 2,
  cr2: (CpuState.cr + 16) >> 2,
  cr3: (CpuState.cr + 24) >> 2,
  cr4: (CpuState.cr + 32) >> 2,
  cr8: (CpuState.cr + 64) >> 2,
  dr: CpuState.dr >> 2,
  efer: CpuState.efer >> 2,
};

/** CR0 bits (SDM 3A 2.5). */
export const Cr0: Readonly<
  Record<'pe' | 'mp' | 'em' | 'ts' | 'et' | 'ne' | 'wp' | 'am' | 'nw' | 'cd' | 'pg', number>
> = {
  pe: 1 << 0,
  mp: 1 << 1,
  em: 1 << 2,
  ts: 1 << 3,
  et: 1 << 4,
  ne: 1 << 5,
  wp: 1 << 16,
  am: 1 << 18,
  nw: 1 << 29,
  cd: 1 << 30,
  pg: 1 << 31,
};

/** CR4 bits (SDM 3A 2.5). */
export const Cr4 = {
  vme: 0x1,
  pvi: 0x2,
  tsd: 0x4,
  de: 0x8,
  pce: 0x100,
  umip: 0x800,
  osXsave: 0x4_0000,
  smep: 0x10_0000,
  smap: 0x20_0000,
} as const;

/** EFLAGS bits that the run loop looks at. */
export const Eflag: Readonly<Record<'tf' | 'if' | 'rf' | 'vm' | 'ac', number>> = {
  tf: 1 << 8,
  if: 1 << 9,
  rf: 1 << 16,
  vm: 1 << 17,
  ac: 1 << 18,
};
