/**
 * A writer of cpio archives in the "newc" format, the format of a Linux initramfs.
 *
 * Linux Documentation/driver-api/early-userspace/buffer-format.rst. Each member is a header of
 * 6 + 13 * 8 ASCII characters, the name with a closing NUL, padding to 4 bytes, the contents, and
 * padding to 4 bytes; the member `TRAILER!!!` closes the archive:
 *
 *     magic ino mode uid gid nlink mtime filesize
 *     devmajor devminor rdevmajor rdevminor namesize check
 */

/** One member of an archive; `path` has no leading slash. */
export type CpioEntry =
  | { kind: 'directory'; path: string; mode?: number }
  | { kind: 'file'; path: string; mode?: number; contents: Uint8Array | string }
  | { kind: 'symlink'; path: string; target: string }
  | { kind: 'character-device'; path: string; mode?: number; major: number; minor: number };

interface Member {
  mode: number;
  contents: Uint8Array;
  major: number;
  minor: number;
}

const TYPE_CHARACTER_DEVICE = 0o020000;
const TYPE_DIRECTORY = 0o040000;
const TYPE_FILE = 0o100000;
const TYPE_SYMLINK = 0o120000;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * Builds a newc archive of the entries, in their order, owned by root and with time 0, so that
 * equal entries give equal bytes. The kernel makes members in order: a directory comes before
 * what it holds.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  entries.forEach((entry, index) => append(parts, index + 1, entry.path, memberOf(entry)));
  append(parts, 0, 'TRAILER!!!', { mode: 0, contents: NOTHING, major: 0, minor: 0 });
  return concatenate(parts);
}

function memberOf(entry: CpioEntry): Member {
  if (entry.path === '' || entry.path.startsWith('/')) {
    throw new RangeError(`cpio: expected a path without a leading slash, found "${entry.path}"`);
  }
  const none = { contents: NOTHING, major: 0, minor: 0 };
  switch (entry.kind) {
    case 'directory':
      return { ...none, mode: TYPE_DIRECTORY | (entry.mode ?? 0o755) };
    case 'file':
      return { ...none, mode: TYPE_FILE | (entry.mode ?? 0o644), contents: bytes(entry.contents) };
    case 'symlink':
      return { ...none, mode: TYPE_SYMLINK | 0o777, contents: bytes(entry.target) };
    case 'character-device': {
      const { major, minor } = entry;
      return { ...none, mode: TYPE_CHARACTER_DEVICE | (entry.mode ?? 0o600), major, minor };
    }
  }
}

function append(parts: Uint8Array[], inode: number, path: string, member: Member): void {
  const name = bytes(`${path}\0`);
  const links = member.mode >> 12 === TYPE_DIRECTORY >> 12 ? 2 : 1;
  const { mode, contents, major, minor } = member;
  const fields = [inode, mode, 0, 0, links, 0, contents.length, 0, 0, major, minor, name.length, 0];
  const header = bytes(`070701${fields.map(hex8).join('')}`);
  parts.push(header, name, padding(header.length + name.length));
  parts.push(contents, padding(contents.length));
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function bytes(value: Uint8Array | string): Uint8Array {
  return typeof value === 'string' ? encoder.encode(value) : value;
}

function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
