/** What the firmware configuration device holds: numbered items, and files by name. */
import { DeviceError } from '../error.ts';
import * as reg from './registers.ts';

/** A file of the firmware configuration device. */
export interface FwCfgFile {
  /** The path, such as `etc/table-loader`, at most 55 ASCII characters. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Returns the items of a device with these files: the files' selectors, and the directory. */
export function fileItems(files: readonly FwCfgFile[]): Map<number, Uint8Array> {
  if (files.length > reg.maximumFiles) {
    throw new DeviceError(
      'bad-configuration',
      `firmware configuration: expected at most ${String(reg.maximumFiles)} files, ` +
        `found ${String(files.length)}`,
    );
  }
  const items = new Map<number, Uint8Array>();
  const directory = new Uint8Array(4 + reg.entryBytes * files.length);
  const view = new DataView(directory.buffer);
  view.setUint32(0, files.length);
  const sorted = [...files].sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const [index, { name, bytes }] of sorted.entries()) {
    if (!/^[\x21-\x7e]{1,55}$/.test(name)) {
      throw new DeviceError(
        'bad-configuration',
        `firmware configuration: expected a name of 1..55 ASCII characters, found "${name}"`,
      );
    }
    const at = 4 + reg.entryBytes * index;
    const key = reg.fwCfgKey.fileFirst + index;
    view.setUint32(at, bytes.length);
    view.setUint16(at + 4, key);
    for (let character = 0; character < name.length; character += 1) {
      directory[at + 8 + character] = name.charCodeAt(character);
    }
    items.set(key, bytes);
  }
  items.set(reg.fwCfgKey.fileDirectory, directory);
  return items;
}

/** Returns a number as the bytes of an item: little-endian, 2 or 4 bytes. */
export function itemNumber(value: number, bytes: 2 | 4): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => (value >>> (8 * index)) & 0xff);
}

/** Returns text as the bytes of an item: ASCII with a closing zero. */
export function itemText(text: string): Uint8Array {
  return Uint8Array.from([...text, '\0'], (character) => character.charCodeAt(0) & 0xff);
}
