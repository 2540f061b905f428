import { MachineError, optionHelp } from '@ringfence/machine';
import { diskCommand } from './disk-command.ts';
import { explainCommand } from './explain-command.ts';
import { type CommandHelp, asksForHelp, coloursOf, writeHelp } from './help.ts';
import { ExitStatus } from './outcome.ts';
import { type RunServices, runMachine } from './run-machine.ts';
import { qemuHelp } from './qemu-words.ts';
import { runSettings } from './run-options.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

const machineFileHelp = `\
  --machine-file FILE             options from a JSON file, such as {"m": "1G", "fda": "a.img"};
                                  what the command line says itself counts instead
`;

const runHelp: CommandHelp = {
  usage: ['run [OPTIONS]'],
  about: `Runs a PC until it is switched off. Without -kernel the built-in guest runs.
Serial port 0 is on the terminal; Ctrl-A x leaves, Ctrl-A h lists the other keys.`,
  sections: [
    ['The machine', machineFileHelp + optionHelp('machine')],
    ['The program', optionHelp('program') + qemuHelp],
  ],
  examples: [
    'run -m 256M -kernel vmlinuz -initrd initrd.img -append "console=ttyS0" -nographic',
    'run -cdrom grub.iso',
    'run -fda game.img -bios built-in',
    'run -kernel vmlinuz -drive file=disk.qcow2,if=virtio -append "root=/dev/vda"',
    'run -hda disk.qcow2 --until-screen "login:" --screenshot screen.png --timeout 60',
    'run --machine-file pc.json -m 1G',
  ],
  status: `0 power-off, Ctrl-A x or a match of --until; 2 wrong usage or input;
3 triple fault with -no-reboot; 124 --timeout; otherwise what the guest wrote to isa-debug-exit.`,
};

const help: CommandHelp = {
  ...runHelp,
  usage: [
    'run [OPTIONS]',
    'disk create|info|convert|check ...',
    'explain --bytes "8B 46 04" [--bits 16|32|64]',
    'help | version',
  ],
  about: `A PC in the terminal. Each command has its own help, as in "ringfence disk create --help".
${runHelp.about}`,
  examples: [
    ...runHelp.examples,
    'disk create -b debian.raw -F raw changes.qcow2',
    'explain --bytes "8B 46 04 49 75 FA"',
  ],
};

/** Runs a command line, without the program's name, and returns the exit status. */
export async function runCommand(args: readonly string[], services: RunServices): Promise<number> {
  const { stderr } = services.streams;
  try {
    return await choose(args, services);
  } catch (error) {
    const name = coloursOf(stderr).red('ringfence:');
    if (error instanceof UsageError || error instanceof MachineError) {
      stderr.write(`${name} ${error.message}\n`);
      if (isAboutOptions(error)) stderr.write('"ringfence help" lists the options\n');
      return ExitStatus.usage;
    }
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    stderr.write(`${name} a mistake in Ringfence itself: ${words}\n`);
    return ExitStatus.internal;
  }
}

async function choose(args: readonly string[], services: RunServices): Promise<number> {
  const { streams } = services;
  const [command, ...rest] = args;
  const asked = (...names: readonly string[]): boolean => names.includes(command ?? '');
  if (asked('help', '-h', '-help', '--help')) {
    writeHelp(help, streams.stdout);
    return ExitStatus.success;
  }
  const versions = ['version', '-version', '--version'];
  if (asked(...versions) || (asked('run') && rest.some((word) => versions.includes(word)))) {
    streams.stdout.write(`ringfence ${VERSION}\n`);
    return ExitStatus.success;
  }
  if (command === 'disk') return await diskCommand(rest, streams);
  if (command === 'explain') return explainCommand(rest, streams.stdout);
  if (command !== 'run') {
    const found = command === undefined ? 'nothing' : `"${command}"`;
    throw new UsageError(`expected a command, run, disk, explain or help, found ${found}`);
  }
  if (asksForHelp(rest)) {
    writeHelp(runHelp, streams.stdout);
    return ExitStatus.success;
  }
  const settings = runSettings(rest, (words) => void streams.stderr.write(`ringfence: ${words}\n`));
  return await runMachine(settings, services);
}

function isAboutOptions(error: UsageError | MachineError): boolean {
  return error instanceof MachineError
    ? error.code === 'bad-option'
    : /^expected a command|options that the help lists/.test(error.message);
}
