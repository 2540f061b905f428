import type { Cpu } from '@ringfence/cpu';
import { CpuState, SegmentRegister, segmentBytes } from '@ringfence/memory';

/** Returns where a CPU is, as `0010:00100c5e`: code selector and offset of the next instruction. */
export function describePlace(cpu: Cpu, words: Int32Array): string {
  const selector = words[(CpuState.segments + segmentBytes * SegmentRegister.cs) >> 2] ?? 0;
  const offset = words[CpuState.rip >> 2] ?? 0;
  const place = `${digits(selector & 0xffff, 4)}:${digits(offset, 8)}`;
  return `${place} at instruction ${String(cpu.instructions)}`;
}

function digits(value: number, count: number): string {
  return (value >>> 0).toString(16).padStart(count, '0');
}
