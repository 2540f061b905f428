/**
 * `tsx tools/guest/src/main.ts [--pae] [--refresh]`: fetches the guest and prints its paths as
 * JSON.
 */
import { debianGuest } from './debian.ts';
import { GuestError } from './guest-error.ts';
import { progressLines } from './progress-lines.ts';

const args = process.argv.slice(2);
try {
  const guest = await debianGuest({
    flavour: args.includes('--pae') ? '686-pae' : '686',
    refresh: args.includes('--refresh'),
    progress: progressLines((line) => process.stderr.write(`${line}\n`)),
  });
  process.stdout.write(`${JSON.stringify(guest, null, 2)}\n`);
} catch (error) {
  if (!(error instanceof GuestError)) throw error;
  process.stderr.write(`${error.message}\n${error.details}`);
  process.exitCode = 1;
}
