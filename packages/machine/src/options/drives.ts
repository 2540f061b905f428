import { mostFloppies } from '../board-floppy.ts';
import { mostDrives } from '../board-storage.ts';
import { MachineError } from '../error.ts';
import type { Properties, Settings } from './settings.ts';

/** A drive that somebody asked for: where it is, and what file it holds. */
export interface DriveSetting {
  readonly interface: 'ide' | 'virtio' | 'xen' | 'ringfence' | 'floppy';
  readonly kind: 'disk' | 'cdrom';
  /** Its place among the drives of its interface. */
  readonly unit: number;
  /** Path or URL of the image. */
  readonly file: string;
  /** Absent where the image's first bytes shall tell. */
  readonly format?: 'raw' | 'qcow2';
  readonly readOnly: boolean;
  /** Whether writes stay in memory and in snapshots, and the image as it is. */
  readonly overlay?: boolean;
  /** The option that asked, for messages. */
  readonly option: string;
}

const idePlaces = ['hda', 'hdb', 'hdc', 'hdd'] as const;
const floppyPlaces = ['fda', 'fdb'] as const;
/** Where `-cdrom` goes: the secondary channel's first drive. */
const cdromUnit = 2;

/**
 * Returns the drives that settings ask for, each in a place of its own: `-hda` to `-hdd`, `-fda`,
 * `-fdb` and `-cdrom` in theirs, `-drive` where `index` says or in the first place that is left.
 *
 * @throws MachineError `bad-option` for two drives in one place, and for properties that cannot be.
 */
export function driveSettings(settings: Settings): readonly DriveSetting[] {
  const drives: DriveSetting[] = [];
  const add = (drive: DriveSetting): void => {
    const isTaken = drives.some(
      (other) => other.interface === drive.interface && other.unit === drive.unit,
    );
    if (isTaken) {
      const place = `${drive.interface} drive ${String(drive.unit)}`;
      throw bad(drive.option, 'a place that is free', `a second ${place}`);
    }
    drives.push(drive);
  };
  for (const [unit, name] of idePlaces.entries()) {
    const file = settings[name];
    const option = `-${name}`;
    if (file !== undefined) {
      add({ interface: 'ide', kind: 'disk', unit, file, readOnly: false, option });
    }
  }
  for (const [unit, name] of floppyPlaces.entries()) {
    const file = settings[name];
    const place = { interface: 'floppy', kind: 'disk', unit } as const;
    if (file !== undefined) {
      add({ ...place, file, format: 'raw', readOnly: false, option: `-${name}` });
    }
  }
  if (settings.cdrom !== undefined) {
    const { cdrom: file } = settings;
    const place = { interface: 'ide', kind: 'cdrom', unit: cdromUnit } as const;
    add({ ...place, file, format: 'raw', readOnly: true, option: '-cdrom' });
  }
  const left: Properties[] = [];
  for (const properties of settings.drive) {
    if (properties['index'] === undefined) left.push(properties);
    else add(driveOf(properties, unitOf(properties)));
  }
  for (const properties of left) {
    const most = mostOf(properties);
    const wanted = driveOf(properties, 0);
    let unit = 0;
    while (drives.some((one) => one.interface === wanted.interface && one.unit === unit)) unit += 1;
    if (unit >= most) throw bad('-drive', `at most ${String(most)} of an interface`, 'one more');
    add({ ...wanted, unit });
  }
  return settings.keepDisks === 'off' ? drives.map(withOverlay) : drives;
}

function withOverlay(drive: DriveSetting): DriveSetting {
  return drive.readOnly ? drive : { ...drive, overlay: true };
}

function driveOf(properties: Properties, unit: number): DriveSetting {
  const choose = <T extends string>(key: string, choices: readonly T[], otherwise: T): T => {
    const value = properties[key] ?? otherwise;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw bad('-drive', `${key}=${choices.join('|')}`, `"${value}"`);
    return found;
  };
  const { file, format } = properties;
  if (file === undefined || file === '') throw bad('-drive', 'file=FILE', 'none');
  const media = choose('media', ['disk', 'cdrom'], 'disk');
  const where = choose('if', ['ide', 'virtio', 'xen', 'ringfence', 'floppy'], 'ide');
  if (media === 'cdrom' && where !== 'ide') {
    throw bad('-drive', 'media=cdrom with if=ide', `if=${where}`);
  }
  const readOnly = media === 'cdrom' || choose('readonly', ['on', 'off'], 'off') === 'on';
  const named =
    format === undefined ? {} : { format: choose('format', ['raw', 'qcow2'] as const, 'raw') };
  const isOverlay = choose('snapshot', ['on', 'off'], 'off') === 'on' && !readOnly;
  const overlay = isOverlay ? { overlay: true } : {};
  return {
    ...{ interface: where, kind: media, unit, file, readOnly, option: '-drive' },
    ...named,
    ...overlay,
  };
}

function unitOf(properties: Properties): number {
  const text = properties['index'] ?? '';
  const most = mostOf(properties);
  if (/^\d{1,2}$/.test(text) && Number(text) < most) return Number(text);
  throw bad('-drive', `index=0 to ${String(most - 1)}`, `"${text}"`);
}

function mostOf(properties: Properties): number {
  const where = properties['if'] ?? 'ide';
  return where === 'ide' ? idePlaces.length : where === 'floppy' ? mostFloppies : mostDrives;
}

function bad(option: string, expected: string, found: string): MachineError {
  return new MachineError('bad-option', { where: `option ${option}`, expected, found });
}
