/**
 * One run of a machine under the command line: connects its serial ports to the terminal and to
 * files, watches for what ends the run, and writes what was asked for on leaving.
 */
import { writeFileSync } from 'node:fs';
import {
  type Machine,
  type MachineOptions,
  type SerialPort,
  type Settings,
  type UnpackedKernels,
  machineOptions,
} from '@ringfence/machine';
import { fileFault, readBootFiles, readInput } from './boot-files.ts';
import type { ConsoleStreams } from './console-streams.ts';
import { openDrives } from './drives.ts';
import { Menu } from './menu.ts';
import { gdbAddress, serveGdb } from './gdb-server.ts';
import type { ModuleFile } from './module-file.ts';
import { nodeHost } from './node-host.ts';
import { ExitStatus, type Outcome, outcomeOf } from './outcome.ts';
import { PatternWatch } from './pattern-watch.ts';
import { connectReports } from './report-lines.ts';
import { ScreenTerminal, drawsScreen } from './screen-terminal.ts';
import { ScreenWatch } from './screen-watch.ts';
import { type SerialLine, openSerialLines } from './serial-lines.ts';
import { connectInput } from './terminal.ts';
import { typeFromTerminal } from './terminal-keys.ts';
import { traceHypercalls, traceTranslation } from './traces.ts';
import { ProfileFile } from './translation-profile.ts';

/** Makes a machine; tests pass another one. */
export type MachineFactory = (options: MachineOptions) => Machine | Promise<Machine>;

/** What a run needs from the program. */
export interface RunServices {
  readonly streams: ConsoleStreams;
  readonly createMachine: MachineFactory;
  /** Where what was translated is remembered, if settings do not say; without it nowhere. */
  readonly profilePath?: string;
  /** Opens the file of modules that earlier runs compiled; without it, or any, none are kept. */
  readonly openModules?: (path: string) => ModuleFile | undefined;
  /** Keeps what kernels unpack to from run to run. */
  readonly unpackedKernels?: UnpackedKernels;
  /** Calls back on SIGINT, SIGTERM and the like with the status to leave with. */
  readonly onSignal: (leave: (status: number) => void) => () => void;
  /**
   * Takes over the console's input instead of standard input; `leave` ends the run.
   * Returns a function that ends it.
   */
  readonly connectConsole?: (console: SerialPort, leave: (outcome: Outcome) => void) => () => void;
}

/** Runs a machine until something ends it and returns the exit status. */
export async function runMachine(settings: Settings, services: RunServices): Promise<number> {
  const { outcome, unwritten } = await runToEnd(settings, services);
  // Only now, as the terminal is itself again.
  for (const message of [outcome.message, unwritten]) {
    if (message !== undefined) services.streams.stderr.write(`ringfence: ${message}\n`);
  }
  return outcome.status === 0 && unwritten !== undefined ? ExitStatus.failure : outcome.status;
}

async function runToEnd(
  settings: Settings,
  services: RunServices,
): Promise<{ outcome: Outcome; unwritten: string | undefined }> {
  const profile = new ProfileFile(settings, services.profilePath);
  const { modulesPath } = profile;
  const compiler = modulesPath === undefined ? undefined : services.openModules?.(modulesPath);
  const { unpackedKernels } = services;
  const host = {
    ...nodeHost,
    ...(compiler === undefined ? {} : { compiler }),
    ...(unpackedKernels === undefined ? {} : { unpackedKernels }),
  };
  const options = withSnapshot(settings, machineOptions(settings, readBootFiles(settings), host));
  const { stdout, stderr } = services.streams;
  const opened = await openDrives(settings, (words) => stderr.write(`ringfence: ${words}\r\n`));
  const onScreen = drawsScreen(settings, services.streams);
  const serial = onScreen ? { ...settings, serial: ['null'] } : settings;
  const lines = openSerialLines(serial, (bytes) => void stdout.write(bytes));
  const ends: (() => void)[] = lines.map((line) => () => line.close());
  ends.push(() => compiler?.close());
  try {
    const translationProfile = profile.read();
    const machine = await services.createMachine({
      ...options,
      ...(translationProfile === undefined ? {} : { translationProfile }),
      drives: opened.drives,
    });
    ends.push(() => machine.dispose());
    ends.push(...connectReports(machine, settings, (bytes) => void stdout.write(bytes)));
    ends.push(traceTranslation(machine, settings));
    ends.push(traceHypercalls(machine, settings));
    const outcome = await new Promise<Outcome>((leave, fail) => {
      ends.push(...connect(machine, settings, lines, services, leave));
      machine.start().then((end) => leave(outcomeOf(end)), fail);
      if (settings.frozen) machine.pause();
    });
    const faults = [await writeSnapshot(machine, settings), writeResults(machine, settings)];
    faults.push(profile.write(machine));
    faults.push(await opened.close());
    const unwritten = faults.filter((fault) => fault !== undefined).join('; ');
    return { outcome, unwritten: unwritten === '' ? undefined : unwritten };
  } finally {
    for (const end of ends.reverse()) end();
    await opened.close();
  }
}

/** Connects everything that can end the run or passes bytes; returns what undoes it. */
function connect(
  machine: Machine,
  settings: Settings,
  lines: readonly SerialLine[],
  services: RunServices,
  leave: (outcome: Outcome) => void,
): (() => void)[] {
  const { stderr } = services.streams;
  const ends = lines.map((line, port) => connectOutput(machine, port, line, settings, leave));
  const consolePort = machine.serial[lines.findIndex(({ isConsole }) => isConsole)];
  if (consolePort !== undefined) {
    const connectConsole =
      services.connectConsole ?? connectStandardInput(machine, settings, services);
    ends.push(connectConsole(consolePort, leave));
  }
  if (drawsScreen(settings, services.streams)) {
    ends.push(...connectScreen(machine, settings, services, leave));
  }
  const address = gdbAddress(settings);
  if (address !== undefined) {
    const failed = (message: string): void => leave({ status: ExitStatus.failure, message });
    ends.push(serveGdb(machine, address, failed));
  }
  ends.push(services.onSignal((status) => leave({ status })));
  ends.push(
    machine.on('state', (state) => {
      // After what the guest said last, which is on its way when the state changes.
      if (state === 'halted') queueMicrotask(() => stderr.write(`ringfence: ${HALTED}\r\n`));
    }),
  );
  ends.push(new ScreenWatch(machine, settings, () => leave({ status: 0 })).start());
  if (settings.timeout !== undefined) {
    const message = `no end within ${settings.timeout} seconds (--timeout)`;
    const outcome = { status: ExitStatus.timeout, message };
    ends.push(nodeHost.setTimer(() => leave(outcome), settings.timeout * 1000));
  }
  return ends;
}

const HALTED = 'the guest waits with interrupts off, for ever (Ctrl-A x leaves)';

function connectStandardInput(machine: Machine, settings: Settings, { streams }: RunServices) {
  return (port: SerialPort, leave: (outcome: Outcome) => void): (() => void) => {
    const exit = (): void => leave({ status: ExitStatus.success });
    const menu = new Menu(machine, settings, streams.stderr, exit);
    return connectInput(streams, {
      write: (bytes) => port.write(bytes),
      drained: () => port.drained(),
      command: (name) => void menu.run(name),
    });
  };
}

/** Draws the screen in the terminal, whose keys are the machine's keyboard. */
function connectScreen(
  machine: Machine,
  settings: Settings,
  { streams }: RunServices,
  leave: (outcome: Outcome) => void,
): (() => void)[] {
  const terminal = new ScreenTerminal(machine, streams.stdout);
  const exit = (): void => leave({ status: ExitStatus.success });
  const menu = new Menu(machine, settings, streams.stderr, exit);
  const disconnect = connectInput(streams, {
    write: (bytes) => {
      typeFromTerminal(bytes, machine.keyboard);
      return bytes.length;
    },
    drained: () => Promise.resolve(),
    command: (name) => {
      terminal.redraw();
      void menu.run(name);
    },
  });
  return [terminal.start(), disconnect];
}

/** Passes a port's output on; `--until` is looked for in every port that goes somewhere. */
function connectOutput(
  machine: Machine,
  port: number,
  line: SerialLine,
  settings: Settings,
  leave: (outcome: Outcome) => void,
): () => void {
  const watch = settings.until === undefined ? undefined : new PatternWatch(settings.until);
  const silence = machine.serial[port]?.onData((bytes) => {
    try {
      line.write(bytes);
    } catch (error) {
      const message = `serial port ${port}: ${fileFault(error)}`;
      leave({ status: ExitStatus.failure, message });
    }
    if (watch?.add(bytes) === true) leave({ status: ExitStatus.success });
  });
  return () => silence?.();
}

/** Adds the snapshot that the machine goes on from, if there is one. */
function withSnapshot({ restore }: Settings, options: MachineOptions): MachineOptions {
  return restore === undefined
    ? options
    : { ...options, snapshot: readInput('--restore', restore) };
}

/** Writes the file of `--snapshot`; returns what went wrong, if anything. */
async function writeSnapshot(machine: Machine, settings: Settings): Promise<string | undefined> {
  if (settings.snapshot === undefined) return undefined;
  try {
    writeFileSync(settings.snapshot, await machine.snapshot());
    return undefined;
  } catch (error) {
    return `option --snapshot: ${settings.snapshot}: ${fileFault(error)}`;
  }
}

/**
 * Writes the files of `--stats`, `--screen-text` and `--screenshot`; returns what went wrong, if
 * anything.
 */
function writeResults(machine: Machine, settings: Settings): string | undefined {
  const files: [string, string | undefined, () => string | Uint8Array][] = [
    ['--stats', settings.stats, () => `${JSON.stringify(machine.stats(), null, 2)}\n`],
    ['--screen-text', settings.screenText, () => `${machine.screen.text()}\n`],
    ['--screenshot', settings.screenshot, () => machine.screen.png()],
  ];
  const faults = files.flatMap(([option, path, text]) => {
    if (path === undefined) return [];
    try {
      writeFileSync(path, text());
      return [];
    } catch (error) {
      return [`option ${option}: ${path}: ${fileFault(error)}`];
    }
  });
  return faults.length === 0 ? undefined : faults.join('; ');
}
