export { runCommand } from './command.ts';
export type { ConsoleStreams, InputStream, OutputStream } from './console-streams.ts';
export { nodeHost } from './node-host.ts';
export { ExitStatus, type Outcome, outcomeOf } from './outcome.ts';
export { leaveProcess, processServices } from './process-services.ts';
export { type MachineFactory, type RunServices, runMachine } from './run-machine.ts';
export { UsageError } from './usage-error.ts';
