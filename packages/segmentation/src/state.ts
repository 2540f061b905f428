/**
 * Word indices of the CPU state that segmentation works on: `CpuState` addresses divided by 4, for
 * an Int32Array over linear memory from its byte 0.
 */
import { CpuState, segmentBytes } from '@ringfence/memory';

type StateName =
  | 'gpr'
  | 'esp'
  | 'rip'
  | 'nextEip'
  | 'eflags'
  | 'cpl'
  | 'codeMode'
  | 'fetchEnd'
  | 'interruptShadow'
  | 'gdtrBase'
  | 'gdtrLimit'
  | 'idtrBase'
  | 'idtrLimit'
  | 'cr0'
  | 'cr3'
  | 'cr4'
  | 'dr7'
  | 'efer';

/** Word indices of the CPU state (`CpuState` in @ringfence/memory, SDM 3A 2.5). */
export const State: Readonly<Record<StateName, number>> = {
  gpr: CpuState.gpr >> 2,
  esp: (CpuState.gpr >> 2) + 8,
  rip: CpuState.rip >> 2,
  nextEip: CpuState.nextEip >> 2,
  eflags: CpuState.eflags >> 2,
  cpl: CpuState.cpl >> 2,
  codeMode: CpuState.codeMode >> 2,
  fetchEnd: CpuState.fetchEnd >> 2,
  interruptShadow: CpuState.interruptShadow >> 2,
  gdtrBase: CpuState.gdtr >> 2,
  gdtrLimit: (CpuState.gdtr >> 2) + 2,
  idtrBase: CpuState.idtr >> 2,
  idtrLimit: (CpuState.idtr >> 2) + 2,
  cr0: CpuState.cr >> 2,
  cr3: (CpuState.cr >> 2) + 6,
  cr4: (CpuState.cr >> 2) + 8,
  dr7: (CpuState.dr >> 2) + 14,
  efer: CpuState.efer >> 2,
};

/** Words of one segment register. */
export const segmentWords: number = segmentBytes >> 2;

type SegmentName = 'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs' | 'ldtr' | 'tr';

/** Word indices of the segment registers (SDM 2A table 2-1; LDTR and TR as `SegmentRegister`). */
export const Segment: Readonly<Record<SegmentName, number>> = {
  es: (CpuState.segments >> 2) + 0 * segmentWords,
  cs: (CpuState.segments >> 2) + 1 * segmentWords,
  ss: (CpuState.segments >> 2) + 2 * segmentWords,
  ds: (CpuState.segments >> 2) + 3 * segmentWords,
  fs: (CpuState.segments >> 2) + 4 * segmentWords,
  gs: (CpuState.segments >> 2) + 5 * segmentWords,
  ldtr: (CpuState.segments >> 2) + 6 * segmentWords,
  tr: (CpuState.segments >> 2) + 7 * segmentWords,
};

/** Control register bits that segmentation depends on (SDM 3A 2.5). */
export const ControlBit = {
  cr0Pe: 0x1,
  cr0Ts: 0x8,
  cr0Pg: -0x80000000,
  cr4Vme: 0x1,
  cr4Pvi: 0x2,
  cr4Umip: 0x800,
  /** IA32_EFER.SCE (SDM 4, APM 2 3.1.7). */
  eferSce: 0x1,
} as const;
