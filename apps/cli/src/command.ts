import { MachineError, optionHelp, parseArguments } from '@ringfence/machine';
import { diskCommand } from './disk-command.ts';
import { explainCommand } from './explain-command.ts';
import { ExitStatus } from './outcome.ts';
import { withMachineFiles } from './machine-file.ts';
import { type RunServices, runMachine } from './run-machine.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

const HELP = `usage: ringfence run [OPTIONS]
       ringfence disk create|info|convert|check ...  ("ringfence disk help" says more)
       ringfence explain --bytes "8B 46 04" [--bits 16|32|64]

Runs a PC until it is switched off. Without -kernel the built-in guest runs.
Serial port 0 is on the terminal; Ctrl-A x leaves, Ctrl-A h lists the other keys.

  --machine-file FILE             options from a JSON file, such as {"m": "1G", "fda": "a.img"};
                                  what stands behind it on the command line counts instead

The machine:
${optionHelp('machine')}
The program:
${optionHelp('program')}
Examples:
  ringfence run -m 256M -kernel vmlinuz -initrd initrd.img -append "console=ttyS0" -nographic
  ringfence run -cdrom grub.iso
  ringfence run -fda game.img -bios built-in
  ringfence run -kernel vmlinuz -drive file=disk.qcow2,if=virtio -append "root=/dev/vda"
  ringfence run -hda disk.qcow2 --until-screen "login:" --screenshot screen.png --timeout 60
  ringfence run --machine-file pc.json -m 1G

Status: 0 power-off, Ctrl-A x or a match of --until; 2 wrong usage or input;
3 triple fault with -no-reboot; 124 --timeout; otherwise what the guest wrote to isa-debug-exit.
`;

/** Runs a command line, without the program's name, and returns the exit status. */
export async function runCommand(args: readonly string[], services: RunServices): Promise<number> {
  const { stdout, stderr } = services.streams;
  const [command, ...rest] = args;
  const asked = (...names: readonly string[]): boolean =>
    names.includes(command ?? '') || (command === 'run' && rest.some((arg) => names.includes(arg)));
  if (asked('help', '-h', '-help', '--help')) {
    stdout.write(HELP);
    return ExitStatus.success;
  }
  if (asked('version', '-version', '--version')) {
    stdout.write(`ringfence ${VERSION}\n`);
    return ExitStatus.success;
  }
  try {
    if (command === 'disk') return await diskCommand(rest, services.streams);
    if (command === 'explain') return explainCommand(rest, stdout);
    if (command !== 'run') {
      const found = command === undefined ? 'nothing' : `"${command}"`;
      throw new UsageError(`expected a command, run, disk, explain or help, found ${found}`);
    }
    return await runMachine(parseArguments(withMachineFiles(rest)), services);
  } catch (error) {
    if (error instanceof UsageError || error instanceof MachineError) {
      stderr.write(`ringfence: ${error.message}\n`);
      if (isAboutOptions(error)) stderr.write('"ringfence help" lists the options\n');
      return ExitStatus.usage;
    }
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    stderr.write(`ringfence: a mistake in Ringfence itself: ${words}\n`);
    return ExitStatus.internal;
  }
}

function isAboutOptions(error: UsageError | MachineError): boolean {
  return error instanceof MachineError
    ? error.code === 'bad-option'
    : error.message.startsWith('expected a command');
}
