/**
 * Lists of the names below a node: as a whole, or, where that is more than one message, in parts
 * (Xen, docs/misc/xenstore.txt, DIRECTORY and DIRECTORY_PART).
 *
 *     a part    number of the list, names, and an empty name behind the last; each with its end
 */
import { fromText, mostPayloadBytes } from './wire.ts';

const listText = (names: readonly string[]): string => names.map((name) => `${name}\0`).join('');

/** Returns the answer to DIRECTORY; nothing where the list is too long for one. */
export function directory(names: readonly string[]): Uint8Array | undefined {
  const text = listText(names);
  return text.length > mostPayloadBytes ? undefined : fromText(text);
}

/** Returns the answer to DIRECTORY_PART: as many names as there is room for, from a byte on. */
export function directoryPart(names: readonly string[], offset: number): Uint8Array {
  const all = listText(names);
  const number = `${String(numberOf(all))}\0`;
  const most = mostPayloadBytes - number.length - 1;
  let text = '';
  for (const name of all.slice(offset).split('\0').slice(0, -1)) {
    if (text.length + name.length >= most) {
      break;
    }
    text += `${name}\0`;
  }
  const isLast = offset + text.length >= all.length;
  return fromText(`${number}${text}${isLast ? '\0' : ''}`);
}

/**
 * A number by which a reader of parts knows a list that is another by now: a hash of it (FNV-1a in
 * 32 bits), so that nodes need not count their changes.
 */
function numberOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  }
  return hash >>> 0;
}
