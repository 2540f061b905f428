/** The program `ringfence`. */
import { runCommand } from './command.ts';
import { leaveProcess, processServices } from './process-services.ts';

// A reader that went away, as in `ringfence run ... | head`, ends the program without a complaint.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});
leaveProcess(await runCommand(process.argv.slice(2), processServices()));
