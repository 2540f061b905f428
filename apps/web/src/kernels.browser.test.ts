import { gzipSync } from 'node:zlib';
import { Assembler } from '@ringfence/assembler';
import { expect, it } from 'vitest';

import { browserAndPage } from './test-browser.ts';
import { TestPage } from './test-page.ts';

const shared = browserAndPage();

/** An ELF file whose program says a letter and stops. */
function elfThatSays(letter: string): Uint8Array {
  const assembler = new Assembler({ bits: 32, origin: 0x10_0000 });
  assembler.text(`
        dd 0x464c457f, 0x00010101, 0, 0
        dd 0x00030002, 1, start, 52, 0, 0, 0x00200034, 1, 0
        dd 1, 0, 0x100000, 0x100000, image_end - 0x100000, image_end - 0x100000, 7, 0x1000
start:  mov edx, 0x3f8
        mov al, ${String(letter.charCodeAt(0))}
        out dx, al
        mov al, 0x2e
        out dx, al
rest:   cli
        hlt
        jmp rest
`);
  assembler.label('image_end');
  return assembler.assemble();
}

/** A bzImage that carries such a file in packed form, and no code to unpack it. */
function imageThatSays(letter: string): Buffer {
  const payload = gzipSync(elfThatSays(letter));
  const setupBytes = 1024;
  const image = Buffer.alloc(setupBytes + payload.length);
  image[0x1f1] = 1;
  image.writeUInt16LE(0xaa55, 0x1fe);
  image.writeUInt16LE(0x6aeb, 0x200);
  image.write('HdrS', 0x202, 'latin1');
  image.writeUInt16LE(0x20f, 0x206);
  image[0x211] = 1;
  image.writeUInt32LE(0x37ff_ffff, 0x22c);
  image.writeUInt32LE(0x1000, 0x230);
  image[0x234] = 1;
  image[0x235] = 12;
  image.writeUInt32LE(255, 0x238);
  image.writeUInt32LE(payload.length, 0x24c);
  image.writeUInt32LE(0x10_0000, 0x258);
  image.writeUInt32LE(0x1_0000, 0x260);
  payload.copy(image, setupBytes);
  return image;
}

/** Opens the page anew with the packed kernel that says a letter, and returns what is said. */
async function says(test: TestPage, letter: string): Promise<string> {
  await test.page.goto(`${shared.server.address}?kernel=${letter}.img`);
  return test.waitForSerial(/^\w\.$/);
}

/** What the page's origin keeps of kernels, each as its name and Base64. */
function kept({ page }: TestPage): Promise<[name: string, base64: string][]> {
  return page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('ringfence-kernels', { create: true });
    const files: [string, string][] = [];
    // Directory handles are async iterables, whose types stand in a library of their own.
    const entries = folder as unknown as AsyncIterable<[string, FileSystemFileHandle]>;
    for await (const [name, handle] of entries) {
      // While it is written a second name stands beside it.
      if (name.endsWith('.crswap')) continue;
      const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
      files.push([name, btoa(String.fromCharCode(...bytes))]);
    }
    return files;
  });
}

/** Puts other bytes in the place of a kept kernel. */
async function replace({ page }: TestPage, name: string, bytes: Uint8Array): Promise<void> {
  const given = [name, Buffer.from(bytes).toString('base64')] as const;
  await page.evaluate(async ([file, base64]) => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('ringfence-kernels');
    const writable = await (await folder.getFileHandle(file)).createWritable();
    await writable.write(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
    await writable.close();
  }, given);
}

it('keeps what a kernel unpacks to, and takes only what it kept whole', async () => {
  const context = await shared.browser.newContext();
  await context.route(/folder.\w\.img$/, async (route) => {
    const [letter = ''] = route.request().url().split('/').slice(-1);
    await route.fulfill({ body: imageThatSays(letter) });
  });
  const test = await TestPage.open(context, shared.server);
  expect(await says(test, 'a')).toBe('a.');
  await expect.poll(async () => (await kept(test)).length).toBe(1);
  const [[name = '', base64 = ''] = []] = await kept(test);
  const first = Buffer.from(base64, 'base64');
  expect(first.subarray(64)).toEqual(Buffer.from(elfThatSays('a')));

  // Another kernel under its name, with its sum: so it is seen which one was taken.
  const other = Buffer.from(elfThatSays('b'));
  const sum = Buffer.from(await crypto.subtle.digest('SHA-256', other)).toString('hex');
  await replace(test, name, Buffer.concat([Buffer.from(sum), other]));
  expect(await says(test, 'a')).toBe('b.');

  const damages = [Buffer.concat([Buffer.from(sum), first.subarray(64)]), first.subarray(0, 100)];
  for (const damaged of [...damages, Buffer.alloc(0)]) {
    await replace(test, name, damaged);
    expect(await says(test, 'a')).toBe('a.');
    await expect.poll(() => kept(test)).toEqual([[name, base64]]);
  }

  for (const letter of ['c', 'd', 'e', 'f']) {
    expect(await says(test, letter)).toBe(`${letter}.`);
  }
  await expect.poll(async () => (await kept(test)).length).toBe(4);
  expect((await kept(test)).map(([left]) => left)).not.toContain(name);
  await test.close();
  await context.close();
});
