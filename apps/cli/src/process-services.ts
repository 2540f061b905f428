import { constants } from 'node:os';
import { createMachine } from '@ringfence/machine';
import { lowerBackgroundThreads } from './background-threads.ts';
import { compileAsHinted } from './compilation-hints.ts';
import type { RunServices } from './run-machine.ts';
import { defaultProfilePath } from './translation-profile.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The services of a run in this process: its streams, its signals and real machines. */
export function processServices(): RunServices {
  return {
    streams: process,
    profilePath: defaultProfilePath(),
    createMachine(options) {
      compileAsHinted();
      lowerBackgroundThreads();
      return createMachine(options);
    },
    onSignal(leave) {
      const listeners = SIGNALS.map((name) => {
        const listener = (): void => leave(128 + constants.signals[name]);
        process.on(name, listener);
        return () => process.off(name, listener);
      });
      return () => listeners.forEach((remove) => remove());
    },
  };
}

/** Ends this process with a status as soon as what was written has left it. */
export function leaveProcess(status: number): void {
  process.exitCode = status;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
}
