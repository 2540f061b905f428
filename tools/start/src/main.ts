/** The program behind `pnpm start`. */
import { leaveProcess, processServices } from '@ringfence/cli';
import { debianGuest } from '@ringfence/guest';
import { start } from './start.ts';

const services = { run: processServices(), stdin: process.stdin, fetchGuest: debianGuest };
leaveProcess(await start(process.argv.slice(2), services));
