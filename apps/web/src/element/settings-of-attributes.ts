import { optionTable, parseParameters } from '@ringfence/machine';
import type { Settings } from '@ringfence/machine';

import type { MachineFiles } from '../worker/messages.ts';

/** Settings, and the files that they name as addresses. */
export interface NamedMachine {
  readonly settings: Settings;
  readonly files: MachineFiles;
}

/** The options whose values are files that a machine is made from. */
const fileOptions: readonly string[] = optionTable
  .filter(({ value, scope }) => value.kind === 'file' && scope === 'machine')
  .map(({ name }) => name);

/** Options that name disks which a guest may write to. */
export const writableDisks: readonly string[] = ['hda', 'hdb', 'hdc', 'hdd', 'fda', 'fdb'];

/** Options that say something of disks. */
const diskNames: readonly string[] = [...writableDisks, 'cdrom', 'drive', 'keepDisks'];

/** Returns what settings say of disks. */
export function diskSettings(settings: Settings): Partial<Settings> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => diskNames.includes(name)));
}

/** Returns the files that settings name, as addresses relative to `base`. */
export function filesOf(settings: Settings, base: string): MachineFiles {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([name, value]) => fileOptions.includes(name) && typeof value === 'string')
      // A BIOS of this name is in the machine already.
      .filter(([, value]) => value !== 'built-in')
      .map(([name, value]) => [name, new URL(String(value), base).href]),
  );
}

/**
 * Reads an element's attributes as settings: they are called as the command line's options are.
 *
 * @throws MachineError with code `bad-option`.
 */
export function settingsOfAttributes(element: Element): NamedMachine {
  const given = optionTable.flatMap(({ flag }): [string, string][] => {
    const name = flag.replace(/^-+/, '');
    const value = element.getAttribute(name);
    return value === null ? [] : [[name, value]];
  });
  const settings = parseParameters(given);
  return { settings, files: filesOf(settings, document.baseURI) };
}
