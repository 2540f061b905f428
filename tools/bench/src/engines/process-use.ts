import { readFileSync } from 'node:fs';

/** What a process has used: CPU seconds of all its threads, and bytes of resident memory. */
export interface ProcessUse {
  readonly cpuSeconds: number | undefined;
  readonly residentBytes: number | undefined;
  readonly peakResidentBytes: number | undefined;
}

/** Reads /proc/PID/stat and /proc/PID/status, proc(5); all undefined where there is no /proc. */
export function processUse(pid: number): ProcessUse {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kilobytes = (name: string): number | undefined => {
      const found = new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1];
      return found === undefined ? undefined : Number(found) * 1024;
    };
    return {
      // USER_HZ is 100 on every Linux port; field 14 is the twelfth after the name.
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
      residentBytes: kilobytes('VmRSS'),
      peakResidentBytes: kilobytes('VmHWM'),
    };
  } catch {
    return { cpuSeconds: undefined, residentBytes: undefined, peakResidentBytes: undefined };
  }
}
