import type { MachineEnd, MachineStats } from '@ringfence/machine';

/** Says why a machine's run is over. */
export function endText(end: MachineEnd): string {
  switch (end.reason) {
    case 'poweroff':
      return 'The guest switched the power off.';
    case 'reset':
      return 'The guest reset the machine.';
    case 'triple-fault':
      return `Triple fault at ${end.where}.`;
    case 'crash':
      return end.cause === 'guest' ? 'The guest crashed.' : 'A watchdog of the guest ran out.';
    case 'debug-exit':
      return `The guest left with status ${String(end.status)}.`;
    default:
      return 'The machine has ended.';
  }
}

/** Says how much of a file is there. */
export function progressText(progress: { what: string; done: number; of: number }): string {
  const { what, done, of } = progress;
  const share = of === 0 ? '' : ` (${String(Math.floor((100 * done) / of))} %)`;
  return `${what} ${(done / 1e6).toFixed(1)} MB${share}`;
}

/** Says how fast the guest ran between two readings. */
export function rateText(before: MachineStats, now: MachineStats): string {
  const seconds = now.seconds.total - before.seconds.total;
  const rate = (now.instructions.total - before.instructions.total) / Math.max(seconds, 1e-3) / 1e6;
  return `${rate < 10 ? rate.toFixed(1) : rate.toFixed(0)} MIPS`;
}
