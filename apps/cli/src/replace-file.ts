import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file as a whole, in folders that are made: whoever reads it sees all of the old one or
 * of the new. `mode`: who may do what with it.
 */
export function replaceFile(path: string, bytes: Uint8Array, mode = 0o666): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${String(process.pid)}`;
  // A process of the same number may have left one.
  rmSync(temporary, { force: true });
  writeFileSync(temporary, bytes, { mode, flag: 'wx' });
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
