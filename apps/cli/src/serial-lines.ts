import { closeSync, openSync, writeSync } from 'node:fs';
import type { Settings } from '@ringfence/machine';
import { fileFault } from './boot-files.ts';
import { UsageError } from './usage-error.ts';

/**
 * Where the bytes of one serial port go; `isConsole` says that it is the terminal's, with input.
 */
export interface SerialLine {
  readonly isConsole: boolean;
  write(bytes: Uint8Array): void;
  close(): void;
}

/**
 * Opens the lines of serial ports 0 to 3 as the settings say. Without `-serial`, port 0 is on the
 * terminal, with or without `-nographic`: there is no window in which a screen could be shown.
 */
export function openSerialLines(
  settings: Settings,
  stdout: (bytes: Uint8Array) => void,
): SerialLine[] {
  const targets = settings.serial.length > 0 ? settings.serial : ['stdio'];
  if (targets.filter((target) => target.endsWith('stdio')).length > 1) {
    throw new UsageError('option -serial: expected stdio once, found it again');
  }
  const lines: SerialLine[] = [];
  try {
    for (const target of targets) lines.push(openLine('-serial', target, stdout));
  } catch (error) {
    for (const line of lines) line.close();
    throw error;
  }
  return lines;
}

/** Opens one line for an option that says `stdio`, `null` or `file:PATH`. */
export function openLine(
  option: string,
  target: string,
  stdout: (bytes: Uint8Array) => void,
): SerialLine {
  const close = (): void => {};
  if (target === 'stdio' || target === 'mon:stdio') {
    return { isConsole: true, write: stdout, close };
  }
  if (target === 'null' || target === 'none') return { isConsole: false, write: close, close };
  const path = /^file:(.+)$/s.exec(target)?.[1];
  if (path === undefined) {
    const found = `found "${target}"`;
    throw new UsageError(`option ${option}: expected stdio, null or file:PATH, ${found}`);
  }
  try {
    const file = openSync(path, 'w');
    return {
      isConsole: false,
      write: (bytes) => void writeSync(file, bytes),
      close: () => closeSync(file),
    };
  } catch (error) {
    throw new UsageError(`option ${option}: ${path}: ${fileFault(error)}`);
  }
}
