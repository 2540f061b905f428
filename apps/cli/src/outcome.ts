import type { MachineEnd } from '@ringfence/machine';

/** How a run of a machine ended for the program: its exit status, and what to say about it. */
export interface Outcome {
  readonly status: number;
  readonly message?: string;
}

/** The exit statuses of the program, apart from those that the guest chooses. */
export const ExitStatus = {
  success: 0,
  /** A file that the run was to write could not be written. */
  failure: 1,
  /** Wrong usage, or an input that is no good. */
  usage: 2,
  /** The guest ended in a triple fault, and `-no-reboot` was given, or said that it crashed. */
  tripleFault: 3,
  /** A mistake in Ringfence itself; sysexits.h, EX_SOFTWARE. */
  internal: 70,
  /** `--timeout` passed; as timeout(1). */
  timeout: 124,
} as const;

/** Says what the end of a machine means for the program. */
export function outcomeOf(end: MachineEnd): Outcome {
  switch (end.reason) {
    case 'poweroff':
    case 'reset':
    case 'disposed':
      return { status: ExitStatus.success };
    case 'triple-fault':
      return { status: ExitStatus.tripleFault, message: `triple fault at ${end.where}` };
    case 'crash':
      return {
        status: ExitStatus.tripleFault,
        message: end.cause === 'guest' ? 'the guest crashed' : 'a watchdog of the guest ran out',
      };
    case 'debug-exit':
      return { status: end.status };
  }
}
