import type { FileSource } from './messages.ts';

/** Told how much of a file is there; `of` is 0 while its length is not known. */
export type LoadProgress = (what: string, done: number, of: number) => void;

/** A 32-bit guest cannot hold more. */
const mostBytes = 2 ** 32;

/** A file that could not be had; the message is for people. */
export class LoadError extends Error {
  override readonly name: string = 'LoadError';
}

/**
 * Reads a file whole, from an address or from what somebody chose.
 *
 * @throws LoadError that names the file and says what is wrong.
 */
export async function loadFile(
  what: string,
  source: FileSource,
  progress: LoadProgress,
): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof source !== 'string') {
    const of = source.size;
    progress(what, 0, of);
    const bytes = new Uint8Array(await source.arrayBuffer());
    progress(what, of, of);
    return bytes;
  }
  const response = await get(what, source);
  const of = Number(response.headers.get('content-length') ?? 0);
  const parts: Uint8Array[] = [];
  let done = 0;
  progress(what, 0, of);
  if (response.body !== null) {
    const reader = response.body.getReader();
    for (;;) {
      const { value, done: isEnd } = await reader.read();
      if (isEnd) break;
      parts.push(value);
      done += value.length;
      if (done > mostBytes) {
        await reader.cancel();
        throw new LoadError(`${what}: ${source}: expected at most 4 GiB`);
      }
      progress(what, done, Math.max(of, done));
    }
  }
  const bytes = new Uint8Array(done);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function get(what: string, address: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    throw new LoadError(
      `${what}: ${address}: ${error instanceof Error ? error.message : 'failed'}`,
    );
  }
  if (!response.ok) {
    throw new LoadError(`${what}: ${address}: the server answers ${String(response.status)}`);
  }
  return response;
}
