/**
 * Words by which scripts start QEMU: other ways to say what the option table has, and options that
 * ask for what is so anyway, such as no window.
 *
 * An option whose value would change something is refused, so that nobody gets another machine than
 * the one that was asked for. More processors than one are the exception: a guest that finds one
 * goes on with it, so the run does too, and says so.
 */
import type { KnownOption } from './arguments.ts';
import { UsageError } from './usage-error.ts';

/** An option that changes nothing, with the values that it may have. */
interface IdleOption extends KnownOption {
  readonly accepts?: RegExp;
}

const noOther = /^none$/;

/** All of them leave out what is not there, or say what is so. */
const idleOptions: readonly IdleOption[] = [
  {
    flag: '-smp',
    argument: 'a number of processors',
    accepts: /^(\d{1,3}(,|$))?((cpus|sockets|dies|cores|threads|maxcpus)=\d{1,3}(,|$))*$/,
  },
  { flag: '-display', argument: 'none', accepts: noOther },
  { flag: '-vnc', argument: 'none', accepts: noOther },
  { flag: '-monitor', argument: 'none', accepts: /^(none|null)$/ },
  { flag: '-qmp', argument: 'none', accepts: noOther },
  { flag: '-net', argument: 'none', accepts: noOther },
  { flag: '-nic', argument: 'none', accepts: noOther },
  { flag: '-vga', argument: 'std', accepts: /^std$/ },
  { flag: '-rtc', argument: 'base=utc', accepts: /^base=utc$/ },
  { flag: '-name', argument: 'TEXT', accepts: /^/ },
  { flag: '-nodefaults' },
  { flag: '-no-user-config' },
];

/** The options of QEMU's that are not in the option table. */
export const qemuOptions: readonly KnownOption[] = [
  ...idleOptions,
  { flag: '-M', argument: 'KIND' },
];

/** Kinds of machines that are an i440FX PC, and properties of which each says what is so. */
const pcNames = /^pc(-i440fx-\d+\.\d+)?$/;
const idleProperties: readonly RegExp[] = [
  /^(usb|smm|vmport|graphics|nvdimm)=off$/,
  /^(acpi|hpet|pic|pit)=on$/,
  /^kernel[_-]irqchip=/,
];

/** What the help says of them. */
export const qemuHelp: string = `\
  -smp 1, -display none           options of QEMU's that ask for what is so anyway change nothing:
                                  ${idleOptions.map(({ flag }) => flag.slice(1)).join(' ')}
  -M pc,accel=tcg                 the same as -machine pc -accel translator
`;

/**
 * Turns options by their names without dashes into those of the option table.
 *
 * @throws UsageError for a value that asks for something that is not here.
 */
export function fromQemu(
  name: string,
  values: readonly string[],
  warn: (words: string) => void,
): (readonly [string, string])[] {
  const idle = idleOptions.find(({ flag }) => flag.slice(1) === name);
  if (idle !== undefined) {
    const other = values.find((value) => idle.accepts?.test(value) === false);
    if (other !== undefined) throw wrong(idle.flag, idle.argument ?? 'nothing', other);
    const more = name === 'smp' ? values.find((value) => !isOne(value)) : undefined;
    if (more !== undefined) warn(`option -smp: the guest has one processor, not "${more}"`);
    return [];
  }
  if (name === 'machine' || name === 'M') return values.flatMap(machineParts);
  return values.map((value) => [name, name === 'accel' ? accelerator(value) : value]);
}

/** Whether all counts are 1, apart from those of processors that may be added. */
function isOne(value: string): boolean {
  return value.split(',').every((part) => /^(maxcpus=\d+|(\w+=)?0*1)$/.test(part));
}

/** `pc,accel=tcg` and the like: the kind, how code runs, and properties that change nothing. */
function machineParts(value: string): (readonly [string, string])[] {
  return value.split(',').flatMap((part, index): (readonly [string, string])[] => {
    if (idleProperties.some((property) => property.test(part))) return [];
    const [key = '', text] = part.split('=', 2);
    if (key === 'accel' && text !== undefined) return [['accel', accelerator(text)]];
    const kind = key === 'type' ? text : text === undefined && index === 0 ? part : undefined;
    if (kind === undefined) throw wrong('-machine', 'a kind of machine, or accel=', part);
    return [['machine', pcNames.test(kind) ? 'pc' : kind]];
  });
}

/** QEMU's translator stands for ours; a list such as `kvm:tcg` may name others before it. */
function accelerator(value: string): string {
  const [names = ''] = value.split(',');
  return names.split(':').includes('tcg') ? 'translator' : value;
}

function wrong(flag: string, expected: string, found: string): UsageError {
  const short = found.length > 60 ? `${found.slice(0, 60)}...` : found;
  return new UsageError(`run: option ${flag}: expected ${expected}, found "${short}"`);
}
