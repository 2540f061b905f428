/** The files of `--trace-hypercalls` and `--trace-translation`: a line for each event. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { type Machine, type Settings, callLine, translationLine } from '@ringfence/machine';
import { fileFault } from './boot-files.ts';
import { UsageError } from './usage-error.ts';

/** Bytes that are kept before they are written: a line for itself would cost a system call. */
const MOST_KEPT = 65_536;

/** Writes a line for each hypercall to its file, if one is asked for; returns what ends it. */
export function traceHypercalls(machine: Machine, settings: Settings): () => void {
  return trace('--trace-hypercalls', settings.traceHypercalls, (write) =>
    machine.on('hypercall', (event) => {
      write(callLine(event));
    }),
  );
}

/** Writes a line for each translated region to its file, if asked for; returns what ends it. */
export function traceTranslation(machine: Machine, settings: Settings): () => void {
  return trace('--trace-translation', settings.traceTranslation, (write) =>
    machine.on('translation', (event) => {
      write(translationLine(event));
    }),
  );
}

/** Writes the lines of what `listen` listens to. */
function trace(
  option: string,
  path: string | undefined,
  listen: (write: (line: string) => void) => () => void,
): () => void {
  if (path === undefined) return () => {};
  const file = open(option, path);
  let kept = '';
  const flush = (): void => {
    writeSync(file, kept);
    kept = '';
  };
  const silence = listen((line) => {
    kept += `${line}\n`;
    if (kept.length >= MOST_KEPT) flush();
  });
  return () => {
    silence();
    flush();
    closeSync(file);
  };
}

function open(option: string, path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw new UsageError(`option ${option}: ${path}: ${fileFault(error)}`);
  }
}
