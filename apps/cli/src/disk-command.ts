/** `ringfence disk`: makes, describes, converts and checks disk images. */
import { rmSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import {
  type DiskFormat,
  type DiskImage,
  DiskError,
  RawImage,
  checkQcow,
  convertDisk,
  createQcow,
  findFormat,
  headerAreaBytes,
  openImage,
  parseHeader,
  readBytes,
  runToEnd,
} from '@ringfence/disk';
import { type KnownOption, readArguments } from './arguments.ts';
import type { OutputStream } from './console-streams.ts';
import { commandHelp, diskHelp } from './disk-help.ts';
import { openFile, openStore } from './drives.ts';
import { FileStore } from './file-store.ts';
import { asksForHelp, writeHelp } from './help.ts';
import { ExitStatus } from './outcome.ts';
import { showProgress } from './progress.ts';
import { UsageError } from './usage-error.ts';

/** Where the command writes; progress is drawn on a standard error that is a terminal. */
export interface DiskCommandStreams {
  readonly stdout: OutputStream;
  readonly stderr?: OutputStream;
}

/** The status of a check that found leaks and nothing worse, as qemu-img has it. */
const LEAKS = 3;

/** Runs `ringfence disk` with its arguments and returns the exit status; throws UsageError. */
export async function diskCommand(
  args: readonly string[],
  streams: DiskCommandStreams,
): Promise<number> {
  const { stdout } = streams;
  const [name, ...rest] = args;
  if (name === undefined || ['help', '-h', '-help', '--help'].includes(name)) {
    writeHelp(diskHelp, stdout);
    return name === undefined ? ExitStatus.usage : ExitStatus.success;
  }
  const commands: Readonly<Record<string, DiskCommand>> = { create, info, convert, check };
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const help = Object.hasOwn(commandHelp, name) ? commandHelp[name] : undefined;
  if (command === undefined || help === undefined) {
    throw new UsageError(`disk: expected create, info, convert or check, found "${name}"`);
  }
  if (asksForHelp(rest)) {
    writeHelp(help, stdout);
    return ExitStatus.success;
  }
  try {
    return await command(rest, (text) => void stdout.write(text), streams);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new UsageError(`disk ${name}: ${error.message}`);
  }
}

type Print = (text: string) => void;
type DiskCommand = (
  args: readonly string[],
  print: Print,
  streams: DiskCommandStreams,
) => Promise<number>;

const formatOption = { flag: '--format', aliases: ['-f'], argument: 'FORMAT' };

async function create(args: readonly string[], print: Print): Promise<number> {
  const { values, positionals } = read('create', args, [
    formatOption,
    { flag: '--backing', aliases: ['-b'], argument: 'BASE' },
    { flag: '--backing-format', aliases: ['-F'], argument: 'FORMAT' },
    { flag: '--cluster-size', argument: 'SIZE' },
  ]);
  const [file, size, ...others] = positionals;
  if (file === undefined || others.length > 0) {
    throw new UsageError('disk create: expected FILE [SIZE]');
  }
  const format = formatOf('create', values['format'] ?? 'qcow2');
  const backing = await backingOf(file, values);
  if (size === undefined && backing === undefined) {
    throw new UsageError('disk create: expected a SIZE, or a base that has one');
  }
  const bytes = size === undefined ? (backing?.bytes ?? 0) : sizeOf('create', size);
  const clusterSize = values['cluster-size'];
  if (format === 'raw' && (backing !== undefined || clusterSize !== undefined)) {
    throw new UsageError('disk create: a raw image has no base and no clusters');
  }
  await writeNew(file, async (store) => {
    if (format === 'raw') {
      if (bytes > 0) store.write(bytes - 1, new Uint8Array(1));
      return;
    }
    const options = {
      bytes,
      ...(clusterSize === undefined ? {} : { clusterBytes: sizeOf('create', clusterSize) }),
      ...(backing === undefined ? {} : { backing: { name: backing.name, format: backing.format } }),
    };
    await runToEnd(createQcow(store, options));
  });
  print(`${file}: ${format}, ${describeBytes(bytes)}\n`);
  return ExitStatus.success;
}

/** Opens the base once, so that an overlay is not made over what is none. */
async function backingOf(
  file: string,
  values: Readonly<Record<string, string>>,
): Promise<{ name: string; format: DiskFormat; bytes: number } | undefined> {
  const name = values['backing'];
  if (name === undefined) return undefined;
  const named = values['backing-format'];
  const isPlain = isAbsolute(name) || /^https?:\/\//i.test(name);
  const image = await openFile(isPlain ? name : join(dirname(file), name), {
    readOnly: true,
    ...(named === undefined ? {} : { format: formatOf('create', named) }),
  });
  const { format, bytes } = image;
  await runToEnd(image.close());
  return { name, format, bytes };
}

async function info(args: readonly string[], print: Print): Promise<number> {
  const { positionals } = read('info', args, []);
  const file = onlyOne('info', positionals, 'FILE');
  const store = await openStore(file, true);
  const format = await runToEnd(findFormat(store));
  print(`file: ${file}\nformat: ${format}\n`);
  if (format === 'raw') {
    print(`disk size: ${describeBytes(store.size)}\n`);
  } else {
    const area = new Uint8Array(headerAreaBytes);
    await runToEnd(readBytes(store, 0, area));
    const header = parseHeader(area, store.size, file);
    print(`disk size: ${describeBytes(header.bytes)}\nfile size: ${describeBytes(store.size)}\n`);
    print(`version: ${header.version}\ncluster size: ${describeBytes(2 ** header.clusterBits)}\n`);
    print(`snapshots: ${header.snapshots}\n`);
    const { backing } = header;
    if (backing !== undefined) {
      print(`stands on: ${backing.name} (${backing.format ?? 'format not said'})\n`);
    }
  }
  await store.close();
  return ExitStatus.success;
}

async function convert(
  args: readonly string[],
  print: Print,
  { stderr }: DiskCommandStreams,
): Promise<number> {
  const { values, positionals } = read('convert', args, [
    formatOption,
    { flag: '--output-format', aliases: ['-O'], argument: 'FORMAT' },
  ]);
  const [source, target, ...others] = positionals;
  if (source === undefined || target === undefined || others.length > 0) {
    throw new UsageError('disk convert: expected SOURCE TARGET');
  }
  const named = values['format'];
  const output = formatOf('convert', values['output-format'] ?? 'qcow2');
  const from = await openFile(source, {
    readOnly: true,
    ...(named === undefined ? {} : { format: formatOf('convert', named) }),
  });
  await writeNew(target, async (store) => {
    if (output === 'qcow2') await runToEnd(createQcow(store, { bytes: from.bytes }));
    else if (from.bytes > 0) store.write(from.bytes - 1, new Uint8Array(1));
    const to: DiskImage =
      output === 'raw' ? new RawImage(store) : await runToEnd(openImage(store, { format: output }));
    const progress = showProgress(`writing ${target}`, from.bytes, stderr);
    try {
      await runToEnd(convertDisk(from, to, progress.update));
    } finally {
      progress.end();
    }
  });
  await runToEnd(from.close());
  print(`${target}: ${output}, ${describeBytes(from.bytes)}\n`);
  return ExitStatus.success;
}

async function check(args: readonly string[], print: Print): Promise<number> {
  const { values, positionals } = read('check', args, [{ flag: '--repair' }]);
  const file = onlyOne('check', positionals, 'FILE');
  const repair = values['repair'] !== undefined;
  const store = await openStore(file, !repair);
  if ((await runToEnd(findFormat(store))) === 'raw') {
    print(`${file}: raw, nothing to check\n`);
    await store.close();
    return ExitStatus.success;
  }
  const result = await runToEnd(checkQcow(store, repair));
  await store.close();
  for (const finding of result.findings) print(`${finding}\n`);
  const { errors, leaks, repaired } = result;
  const done = repair ? `, ${repaired} repaired` : '';
  print(`${file}: ${errors} errors, ${leaks} leaked clusters${done}\n`);
  const left = repair ? errors + leaks - repaired : errors + leaks;
  if (left === 0) return ExitStatus.success;
  return errors > 0 ? ExitStatus.usage : LEAKS;
}

/** Makes a file and lets `fill` write it; what could not be finished is removed. */
async function writeNew(file: string, fill: (store: FileStore) => Promise<void>): Promise<void> {
  const store = new FileStore(file, { create: true });
  try {
    await fill(store);
    store.flush();
    store.close();
  } catch (error) {
    store.close();
    rmSync(file, { force: true });
    throw error;
  }
}

/** What was given to a command: of an option that was given twice, the last value. */
function read(
  command: string,
  args: readonly string[],
  known: readonly KnownOption[],
): { values: Readonly<Record<string, string>>; positionals: readonly string[] } {
  const { options, operands } = readArguments(`disk ${command}`, args, known);
  const values = [...options].map(([name, given]) => [name, given.at(-1) ?? ''] as const);
  return { values: Object.fromEntries(values), positionals: operands };
}

function onlyOne(command: string, positionals: readonly string[], what: string): string {
  const [first, ...others] = positionals;
  if (first === undefined || others.length > 0) {
    throw new UsageError(`disk ${command}: expected one ${what}`);
  }
  return first;
}

function formatOf(command: string, text: string): DiskFormat {
  if (text === 'raw' || text === 'qcow2') return text;
  throw new UsageError(`disk ${command}: expected the format raw or qcow2, found "${text}"`);
}

/** Reads a size with a suffix; a bare number counts bytes. */
function sizeOf(command: string, text: string): number {
  const match = /^(\d{1,15})([KMGT]?)$/i.exec(text);
  const power = ['', 'K', 'M', 'G', 'T'].indexOf((match?.[2] ?? '').toUpperCase());
  const bytes = Number(match?.[1] ?? NaN) * 1024 ** power;
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new UsageError(`disk ${command}: expected a size such as 512M or 4G, found "${text}"`);
}

function describeBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = Math.min(4, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const rounded = Number((bytes / 1024 ** unit).toFixed(2));
  return unit === 0 ? `${bytes} bytes` : `${rounded} ${units[unit] ?? ''} (${bytes} bytes)`;
}
