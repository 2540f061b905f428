import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A program to start, and how to know that its guest has booted. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** It ends by itself at the marker, and is given the time to write its files. */
  readonly endsItself?: boolean;
}

/** What one run took: seconds from start to the marker, and CPU seconds of all its threads. */
export interface Timing {
  readonly seconds: number;
  /** From /proc, so only on Linux. */
  readonly cpuSeconds: number | undefined;
}

/** How much output is kept to tell what went wrong, and to find a marker cut in two. */
const KEPT_OUTPUT = 4096;

/** How long a program that ends by itself may take for that. */
const GRACE_MS = 10_000;

/**
 * Runs a program until its standard output holds the marker, then kills it or lets it end.
 * Rejects with the last output if it ends, or `limitSeconds` pass, before that.
 */
export function timeToMarker(
  command: Command,
  marker: string,
  limitSeconds: number,
): Promise<Timing> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command.program, [...command.args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let tail = '';
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${command.program}: ${why}; its last output:\n${tail}`));
    };
    const timer = setTimeout(
      () => fail(`no "${marker}" within ${limitSeconds} s`),
      limitSeconds * 1000,
    );
    child.on('error', (error) => fail(error.message));
    child.on('close', (status) => fail(`ended with status ${status} before "${marker}"`));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-KEPT_OUTPUT);
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-KEPT_OUTPUT);
      if (!tail.includes(marker)) return;
      const seconds = (performance.now() - start) / 1000;
      const cpuSeconds = child.pid === undefined ? undefined : cpuSecondsOf(child.pid);
      clearTimeout(timer);
      child.removeAllListeners('close');
      child.stdout.removeAllListeners('data').resume();
      const kill = setTimeout(
        () => child.kill('SIGKILL'),
        command.endsItself === true ? GRACE_MS : 0,
      );
      child.on('close', () => {
        clearTimeout(kill);
        resolve({ seconds, cpuSeconds });
      });
    });
  });
}

/** User and system time of a process in seconds: fields 14 and 15 of /proc/PID/stat, proc(5). */
function cpuSecondsOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // USER_HZ is 100 on every Linux port; field 14 is the twelfth after the name.
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}
