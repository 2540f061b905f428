import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessHandleStore, type SyncAccessHandle } from './access-handle-store.ts';
import type { ByteStore } from './byte-store.ts';
import { Disk } from './disk.ts';
import { HttpStore } from './http-store.ts';
import { MemoryStore } from './memory-store.ts';
import { openImage } from './open-image.ts';
import { createQcow } from './qcow2/create.ts';
import { RawImage } from './raw-image.ts';
import { runNow, runToEnd } from './steps.ts';
import { TestRandom } from './test-random.ts';

const content = new TestRandom(4).bytes(300_001);
const part = (from: number, to: number): Buffer => Buffer.from(content.subarray(from, to));

async function bytesOf(store: ByteStore, offset: number, length: number): Promise<Buffer> {
  const target = new Uint8Array(length).fill(0xee);
  await store.read(offset, target);
  return Buffer.from(target);
}

describe('a store over HTTP', () => {
  let server: Server;
  let url = '';
  let version = '"1"';
  let faults = 0;
  let requests: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '');
      requests.push(request.headers.range ?? '');
      if (faults > 0) {
        faults -= 1;
        response.writeHead(503).end();
      } else if (request.url === '/plain') {
        response.writeHead(200).end('whole');
      } else {
        const [first, last] = [Number(range?.[1]), Number(range?.[2])];
        const where = `bytes ${String(first)}-${String(last)}/${String(content.length)}`;
        response.writeHead(206, { 'content-range': where, etag: version });
        response.end(content.subarray(first, last + 1));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  afterAll(() => {
    server.close();
  });
  const options = { fetch, pieceBytes: 4096, keptBytes: 64 * 4096 };

  it('fetches what is read, once, and reads zeros past the end', async () => {
    const store = await HttpStore.open(`${url}/image`, options);
    expect(store.size).toBe(content.length);
    requests = [];
    expect(await bytesOf(store, 5000, 6000)).toEqual(part(5000, 11_000));
    expect(await bytesOf(store, 4096, 100)).toEqual(part(4096, 4196));
    expect(requests).toEqual(['bytes=4096-12287']);
    const end = await bytesOf(store, 300_000, 10);
    expect([...end]).toEqual([content[300_000], 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('answers at once what it has, and keeps no more than it may', async () => {
    const store = await HttpStore.open(`${url}/image`, { ...options, keptBytes: 2 * 4096 });
    await bytesOf(store, 0, 40_000);
    expect(store.read(36_864, new Uint8Array(3000))).toBe(undefined);
    expect(store.read(0, new Uint8Array(1))).toBeInstanceOf(Promise);
  });

  it('tries again, and says what the server answers', async () => {
    faults = 2;
    const store = await HttpStore.open(`${url}/image`, options);
    faults = 9;
    await expect(bytesOf(store, 0, 1)).rejects.toThrow('the server answers 503');
    faults = 0;
  });

  it('refuses a server without ranges, and an image that changes', async () => {
    await expect(HttpStore.open(`${url}/plain`, options)).rejects.toThrow('does not serve ranges');
    const store = await HttpStore.open(`${url}/image`, options);
    version = '"2"';
    await expect(bytesOf(store, 0, 1)).rejects.toThrow('changed while it was in use');
    version = '"1"';
  });

  it('lies under an overlay, whose requests complete in order', async () => {
    const overlay = new MemoryStore();
    const backing = { name: `${url}/image`, format: 'raw' } as const;
    runNow(createQcow(overlay, { bytes: 400_384, clusterBytes: 8192, backing }));
    const openBacking = (name: string) => HttpStore.open(name, options);
    const image = await runToEnd(openImage(overlay, { openBacking }));
    const order: string[] = [];
    let wakes = 0;
    const disk = new Disk(image, { onLate: () => (wakes += 1) });
    const target = new Uint8Array(9000);
    await new Promise<void>((resolve) => {
      disk.write(8192 + 512, new Uint8Array(512), (ok) => order.push(`write ${String(ok)}`));
      disk.read(8000, target, (ok) => order.push(`read ${String(ok)}`));
      disk.flush((ok) => {
        order.push(`flush ${String(ok)}`);
        resolve();
      });
      expect([disk.busy, order]).toEqual([true, []]);
    });
    expect(order).toEqual(['write true', 'read true', 'flush true']);
    const expected = part(8000, 17_000).fill(0, 704, 704 + 512);
    expect(Buffer.from(target)).toEqual(expected);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(wakes).toBeGreaterThan(0);
    await disk.close();
    disk.read(0, target, (ok) => order.push(`closed ${String(ok)}`));
    expect(order.at(-1)).toBe('closed false');
  });
});

describe('a store over an access handle', () => {
  function handle(space: number): SyncAccessHandle & { log: string[] } {
    const memory = new MemoryStore();
    const log: string[] = [];
    return {
      log,
      read: (buffer, { at }) => {
        const there = Math.max(0, Math.min(buffer.length, memory.size - at));
        memory.read(at, buffer.subarray(0, there));
        return there;
      },
      write: (buffer, { at }) => {
        const there = Math.max(0, Math.min(buffer.length, space - at));
        memory.write(at, buffer.subarray(0, there));
        return there;
      },
      flush: () => void log.push('flush'),
      getSize: () => memory.size,
      close: () => void log.push('close'),
    };
  }

  it('holds an image, and says when no room is left', () => {
    const file = handle(0x4_0000);
    const store = new AccessHandleStore('opfs', file);
    runNow(createQcow(store, { bytes: 1 << 20, clusterBytes: 4096 }));
    const image = runNow(openImage(store));
    runNow(image.write(4096, content.subarray(0, 8192)));
    expect(() => runNow(image.write(65_536, content.subarray(0, 262_144)))).toThrow('no room');
    runNow(image.close());
    runNow(image.close());
    expect(file.log.filter((entry) => entry === 'close')).toEqual(['close']);
    const again = new Uint8Array(8192);
    runNow(runNow(openImage(new AccessHandleStore('opfs', file))).read(4096, again));
    expect(Buffer.from(again)).toEqual(part(0, 8192));
  });
});

describe('a disk', () => {
  const faults: unknown[] = [];
  const make = (image: RawImage) => new Disk(image, { onFault: (fault) => faults.push(fault) });
  const results: boolean[] = [];
  const note = (ok: boolean): void => void results.push(ok);

  it('fails requests past its end, and writes when it can only be read', () => {
    const disk = make(new RawImage(new MemoryStore({ contents: content, readOnly: true })));
    expect([disk.bytes, disk.readOnly]).toEqual([300_032, true]);
    disk.read(300_000, new Uint8Array(32), note);
    disk.read(300_000, new Uint8Array(33), note);
    disk.write(0, new Uint8Array(1), note);
    disk.flush(note);
    expect(results).toEqual([true, false, false, true]);
    expect(String(faults[0])).toContain('disk of 300032 bytes: 33 bytes at 300000');
  });

  it('keeps a guest from making a raw disk look like another format', () => {
    const header = Uint8Array.of(0x51, 0x46, 0x49, 0xfb);
    const guessed = new RawImage(new MemoryStore({ contents: new Uint8Array(512) }), true);
    expect(() => runNow(guessed.write(0, header))).toThrow('say format=raw to allow it');
    const said = new RawImage(new MemoryStore({ contents: new Uint8Array(512) }));
    expect(() => runNow(said.write(0, header))).not.toThrow();
  });
});
