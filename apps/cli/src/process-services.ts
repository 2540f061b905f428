import { constants } from 'node:os';
import { createMachine } from '@ringfence/machine';
import { lowerBackgroundThreads } from './background-threads.ts';
import { compileAsHinted } from './compilation-hints.ts';
import { KernelFolder } from './kernel-folder.ts';
import { ModuleFile } from './module-file.ts';
import { moduleSerializer } from './module-serializer.ts';
import { programFingerprint } from './program-fingerprint.ts';
import type { RunServices } from './run-machine.ts';
import { defaultProfilePath } from './translation-profile.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The services of a run in this process: its streams, its signals and real machines. */
export function processServices(): RunServices {
  return {
    streams: process,
    profilePath: defaultProfilePath(),
    openModules,
    unpackedKernels: new KernelFolder(),
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

/** Opens a file of compiled modules, where V8 gives the code of modules out. */
export function openModules(path: string): ModuleFile | undefined {
  compileAsHinted();
  const serializer = moduleSerializer();
  return serializer && ModuleFile.open(path, serializer, programFingerprint());
}

/** Ends this process with a status as soon as what was written has left it. */
export function leaveProcess(status: number): void {
  process.exitCode = status;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
}
