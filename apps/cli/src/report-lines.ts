/** Where the parallel port, the debug console and checkpoint codes go. */
import type { Machine, Settings } from '@ringfence/machine';
import { BatchedLine } from './batched-line.ts';
import { openLine } from './serial-lines.ts';

/** Connects what `-parallel`, `-debugcon` and `--post` ask for; returns what undoes it. */
export function connectReports(
  machine: Machine,
  settings: Settings,
  stdout: (bytes: Uint8Array) => void,
): (() => void)[] {
  const rows = [
    ['-parallel', settings.parallel, 'parallelByte', (byte: number) => Uint8Array.of(byte)],
    ['-debugcon', settings.debugcon, 'debugByte', (byte: number) => Uint8Array.of(byte)],
    ['--post', settings.post, 'postCode', hexLine],
  ] as const;
  return rows.flatMap(([option, target, event, bytesOf]) => {
    if (target === undefined) return [];
    const line = new BatchedLine(openLine(option, target, stdout));
    const silence = machine.on(event, (byte) => line.write(bytesOf(byte)));
    return [() => line.close(), silence];
  });
}

function hexLine(code: number): Uint8Array {
  return new Uint8Array(Buffer.from(`${code.toString(16).padStart(2, '0')}\n`));
}
