/** `pnpm start`: a guest that boots to a shell, fetched or else built in. */
import { createInterface } from 'node:readline';
import { type Outcome, type RunServices, runCommand } from '@ringfence/cli';
import {
  type DebianGuest,
  type DebianGuestOptions,
  GuestError,
  progressLines,
} from '@ringfence/guest';
import type { SerialPort } from '@ringfence/machine';
import { ConsoleScript, SHELL_PROMPT } from './console-script.ts';

/** What `start` needs from the program. */
export interface StartServices {
  readonly run: RunServices;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly fetchGuest: (options: DebianGuestOptions) => Promise<DebianGuest>;
}

/** What `start` was asked for; the other arguments go to `ringfence run`. */
interface StartArguments {
  readonly builtIn: boolean;
  readonly guest: DebianGuestOptions;
  readonly rest: readonly string[];
}

const IDLE_MS = 2000;
/**
 * Without its self-tests of cryptography, which nothing here uses, the kernel needs 2,700 million
 * instructions to its shell instead of 6,400 million (counted with v86).
 */
const COMMAND_LINE = 'console=ttyS0 cryptomgr.notests';
const END_OF_TRANSMISSION = '\x04';
const HELP = `usage: pnpm start [--pae] [--refresh] [--built-in] [OPTIONS]

Boots Debian's stock 32-bit kernel to a root shell; what it needs is fetched once, with apt-get.

  --pae        the kernel with PAE
  --refresh    fetch again, to get a newer version
  --built-in   the built-in guest; also taken where nothing can be fetched
  OPTIONS      as of "ringfence run", see "pnpm ringfence help"

When standard input is not a terminal it is typed into the shell, and the guest is
switched off at its end.
`;

/** Fetches the guest, or takes the built-in one, and runs it; returns the exit status. */
export async function start(args: readonly string[], services: StartServices): Promise<number> {
  const { stdout, stderr } = services.run.streams;
  if (args.includes('--help') || args.includes('-h')) {
    stdout.write(HELP);
    return 0;
  }
  const { builtIn, guest, rest } = readArguments(args);
  const say = (line: string): void => void stderr.write(`${line}\n`);
  const boot = builtIn ? [] : await bootArguments(guest, services, say);
  const isScript = services.stdin.isTTY !== true;
  if (!isScript) say('Ctrl-A x leaves');
  const run: RunServices = isScript
    ? { ...services.run, connectConsole: typeScript(services.stdin, boot.length > 0) }
    : services.run;
  return runCommand(['run', '-nographic', ...boot, ...rest], run);
}

function readArguments(args: readonly string[]): StartArguments {
  const own = ['--', '--pae', '--refresh', '--built-in'];
  const flavour = args.includes('--pae') ? '686-pae' : '686';
  return {
    builtIn: args.includes('--built-in'),
    guest: { flavour, refresh: args.includes('--refresh') },
    rest: args.filter((arg) => !own.includes(arg)),
  };
}

/** The options that boot Debian, or none where it cannot be had. */
async function bootArguments(
  options: DebianGuestOptions,
  services: StartServices,
  say: (line: string) => void,
): Promise<string[]> {
  try {
    const guest = await services.fetchGuest({ ...options, progress: progressLines(say) });
    say(`booting Debian's ${guest.kernelPackage} ${guest.kernelVersion}`);
    const { kernel, initrd } = guest;
    return ['-kernel', kernel, '-initrd', initrd, '-append', COMMAND_LINE];
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    say(`Debian's kernel cannot be had (${error.message}): the built-in guest runs instead`);
    return [];
  }
}

/** Types standard input into the shell; at its end the shell is ended, and with it the guest. */
function typeScript(stdin: NodeJS.ReadableStream, isLinux: boolean) {
  return (port: SerialPort, leave: (outcome: Outcome) => void): (() => void) => {
    const reader = createInterface({ input: stdin, terminal: false });
    const script = new ConsoleScript(port, reader[Symbol.asyncIterator](), {
      prompt: SHELL_PROMPT,
      idleMs: IDLE_MS,
      atEnd: (console) => (isLinux ? console.write(END_OF_TRANSMISSION) : leave({ status: 0 })),
      setTimer: (callback, delayMs) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    });
    return () => {
      script.dispose();
      reader.close();
    };
  };
}
