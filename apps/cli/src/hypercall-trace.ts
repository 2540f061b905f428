import { closeSync, openSync, writeSync } from 'node:fs';
import { type Machine, type Settings, callLine } from '@ringfence/machine';
import { fileFault } from './boot-files.ts';
import { UsageError } from './usage-error.ts';

/** Bytes that are kept before they are written: a line for itself would cost a system call. */
const MOST_KEPT = 65_536;

/**
 * Writes a line for each hypercall to the file of `--trace-hypercalls`; returns what ends
 * it.
 */
export function traceHypercalls(machine: Machine, settings: Settings): () => void {
  const path = settings.traceHypercalls;
  if (path === undefined) return () => {};
  const file = open(path);
  let kept = '';
  const flush = (): void => {
    writeSync(file, kept);
    kept = '';
  };
  const silence = machine.on('hypercall', (event) => {
    kept += `${callLine(event)}\n`;
    if (kept.length >= MOST_KEPT) flush();
  });
  return () => {
    silence();
    flush();
    closeSync(file);
  };
}

function open(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw new UsageError(`option --trace-hypercalls: ${path}: ${fileFault(error)}`);
  }
}
