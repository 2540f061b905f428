/**
 * What packed kernels unpack to, in the browser's own file system: unpacking takes Debian's kernel
 * 0.4 seconds before its first instruction. As the command line does in the user's cache folder.
 * Where the browser keeps no files nobody is bothered.
 *
 *     file     name: SHA-256 of what was packed
 *     0        SHA-256 of what follows, in hexadecimal as the name is
 *     64       what it unpacks to
 */
import type { UnpackedKernels } from '@ringfence/machine';

import { OriginFolder } from './origin-folder.ts';

/** Kernels that are kept: Debian's has 16 MB. */
const mostKernels = 4;
/** A SHA-256 in hexadecimal. */
const sumBytes = 64;

const folder = new OriginFolder('ringfence-kernels');

/** The kernels that machines of this origin unpacked, for machines to come. */
export const savedKernels: UnpackedKernels = {
  async find(packed) {
    try {
      const file = await folder.file(await sumOf(packed));
      const unpacked = new Uint8Array(await file.slice(sumBytes).arrayBuffer());
      const sum = await file.slice(0, sumBytes).text();
      return (await sumOf(unpacked)) === sum ? unpacked : undefined;
    } catch {
      return undefined;
    }
  },
  keep(packed, unpacked) {
    void keepKernel(packed, unpacked);
  },
};

async function keepKernel(packed: Uint8Array, unpacked: Uint8Array): Promise<void> {
  try {
    await folder.write(await sumOf(packed), await sumOf(unpacked), inOwnMemory(unpacked));
    for (const { name } of (await folder.list()).slice(mostKernels)) await folder.remove(name);
  } catch {
    // The next machine unpacks it again.
  }
}

/** Returns the SHA-256 of bytes in hexadecimal. */
async function sumOf(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', inOwnMemory(bytes)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What comes here was loaded, unpacked or read from a file: it stands in no shared memory. */
function inOwnMemory(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
