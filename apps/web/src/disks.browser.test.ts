/** What a guest writes to a disk that was dropped on the page. */
import { assembleText } from '@ringfence/assembler';
import { expect, it } from 'vitest';

import { browserAndPage } from './test-browser.ts';
import { floppyOf, sayWords } from './test-floppy.ts';
import { TestPage } from './test-page.ts';

const shared = browserAndPage();

/** A floppy whose boot sector counts its starts in its second sector, and says how many. */
function countingFloppy(): string {
  const code = assembleText(
    `        bits 16
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ax, 0x0201
        call disk
        inc byte [0x8000]
        mov ax, 0x0301
        call disk
        mov al, [0x8000]
        add al, 0x30
        mov [words], al
${sayWords}disk:   mov bx, 0x8000
        mov cx, 2
        mov dx, 0
        int 0x13
        ret
words:  db 0x30, 0x20, 0x73, 0x74, 0x61, 0x72, 0x74, 0x73, 0`,
    { origin: 0x7c00 },
  );
  return floppyOf(code).toString('base64');
}

async function dropFloppy(test: TestPage, starts: number): Promise<void> {
  await test.waitForSerial(/Type help\.\n>$/);
  await test.drop([{ name: 'count.img', base64: countingFloppy() }]);
  await test.waitForScreen(new RegExp(`${String(starts)} starts`));
}

/** The bytes of the files that are kept for disks. */
function keptBytes({ page }: TestPage): Promise<number> {
  return page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('ringfence-disks', { create: true });
    let bytes = 0;
    // Directory handles are async iterables, whose types stand in a library of their own.
    const entries = folder as unknown as AsyncIterable<[string, FileSystemFileHandle]>;
    for await (const [, handle] of entries) bytes += (await handle.getFile()).size;
    return bytes;
  });
}

it('is kept where somebody asks for it, for the next page too, until it is forgotten', async () => {
  const context = await shared.browser.newContext();
  const test = await TestPage.open(context, shared.server);
  await dropFloppy(test, 1);
  await test.page.getByRole('button', { name: 'Reset' }).click();
  await test.waitForScreen(/2 starts/);
  const keep = test.page.getByRole('checkbox', { name: 'Keep disk changes' });
  await keep.check();
  await test.waitForScreen(/1 starts/);
  // Four clusters hold an empty image; a table and a piece of the disk come with the first write.
  await expect.poll(() => keptBytes(test), { timeout: 20_000 }).toBeGreaterThanOrEqual(6 * 65536);
  await test.page.reload();
  await dropFloppy(test, 2);

  // Another page cannot write there meanwhile, and says so.
  const other = await TestPage.open(context, shared.server);
  await other.waitForSerial(/Type help\.\n>$/);
  await other.drop([{ name: 'count.img', base64: countingFloppy() }]);
  await other.page.getByText(/count\.img cannot be kept: another page is using it/).waitFor();
  await other.close();

  await test.page.getByRole('button', { name: /^Forget what was written/ }).click();
  await test.waitForScreen(/1 starts/);
  await keep.uncheck();
  await test.waitForScreen(/1 starts/);
  await test.close();
  await context.close();
});

it('goes into snapshots with it, from which the disk is as it was', async () => {
  const context = await shared.browser.newContext();
  const test = await TestPage.open(context, shared.server, '?keep-disks=on');
  const { page } = test;
  await dropFloppy(test, 1);
  await page.getByRole('button', { name: 'Snapshots' }).click();
  await page.getByRole('button', { name: 'Save in this browser' }).click();
  await page.getByText('Saved.').waitFor();
  await page.getByRole('button', { name: 'Reset' }).click();
  await test.waitForScreen(/2 starts/);
  await page.getByRole('button', { name: /^Snapshot 1/ }).click();
  await test.waitForScreen(/1 starts/);
  await page.getByRole('button', { name: 'Reset' }).click();
  await test.waitForScreen(/2 starts/);
  await test.close();
  await context.close();
});

it('is there still when the next machine cannot be made, and goes on being kept', async () => {
  const context = await shared.browser.newContext();
  const test = await TestPage.open(context, shared.server, '?keep-disks=on');
  const { page } = test;
  await dropFloppy(test, 1);
  const noKernel = Buffer.concat([Buffer.from('\u007fELF'), Buffer.alloc(4096)]);
  await test.drop([{ name: 'none.elf', base64: noKernel.toString('base64') }]);
  await page.getByText(/kernel at byte /).waitFor();
  await page.getByRole('status').getByText('Running').waitFor();
  await page.getByRole('button', { name: 'Reset' }).click();
  await test.waitForScreen(/2 starts/);
  await page.reload();
  await dropFloppy(test, 3);
  await test.close();
  await context.close();
});
