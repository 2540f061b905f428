import { decode } from '@ringfence/decoder';
import type { CodeRange } from '@ringfence/cpu';
import type { PhysicalMemory } from '@ringfence/memory';

/** A guest instruction as text. */
export interface CodeLine {
  /** Guest-physical address. */
  readonly address: number;
  /** Its bytes in hexadecimal. */
  readonly bytes: string;
  /** Intel syntax; targets of branches are relative to physical memory here. */
  readonly text: string;
}

/** The most instructions that are disassembled at once. */
const mostLines = 2000;

const mostInstructionBytes = 15;

/** Disassembles 32-bit code of some ranges of guest-physical memory, in order of address. */
export function guestCode(memory: PhysicalMemory, ranges: readonly CodeRange[]): CodeLine[] {
  const lines: CodeLine[] = [];
  const ordered = [...ranges].sort(([one], [other]) => one - other);
  for (const [first, end] of ordered) {
    let address = first;
    while (address < end && lines.length < mostLines) {
      const bytes = new Uint8Array(Math.min(mostInstructionBytes, end - address));
      memory.read(address, bytes);
      const result = decode(bytes, { bits: 32, ip: BigInt(address) });
      const length = result.valid ? result.length : 1;
      const text = result.valid ? result.text : '(bad)';
      lines.push({ address, bytes: hex(bytes.subarray(0, length)), text });
      address += length;
    }
  }
  return lines;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
