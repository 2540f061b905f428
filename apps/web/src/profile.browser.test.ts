import { expect, it } from 'vitest';

import { browserAndPage } from './test-browser.ts';
import { multibootKernel } from './test-kernel.ts';
import { TestPage } from './test-page.ts';

const shared = browserAndPage();

/** A multiboot kernel that says a word and then has only one loop to do. */
function busyKernel(): string {
  return multibootKernel(`
start:  mov edx, 0x3f8
        mov al, 0x21
        out dx, al
        mov ecx, 400000000
next:   inc eax
        xor eax, ecx
        dec ecx
        jnz next
        mov al, 0x2e
        out dx, al
rest:   cli
        hlt
        jmp rest
`);
}

/** How many machines were there before the one whose profile is kept; undefined for no profile. */
function runsBefore({ page }: TestPage): Promise<number | undefined> {
  return page.evaluate(async () => {
    try {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle('ringfence-profiles');
      const file = await (await folder.getFileHandle('default')).getFile();
      // Behind the magic of six bytes stands the number of the run.
      return new DataView(await file.arrayBuffer()).getUint16(6, true);
    } catch {
      return undefined;
    }
  });
}

/** Has the busy kernel run to its end. */
async function run(test: TestPage): Promise<void> {
  await test.drop([{ name: 'vmlinuz', base64: busyKernel() }]);
  await test.waitForSerial(/!\./, 60_000);
}

it('begins with what earlier pages translated, unless it is told not to', async () => {
  const test = await TestPage.open(shared.browser, shared.server);
  await run(test);
  await expect.poll(() => runsBefore(test), { timeout: 20_000 }).toBe(0);

  await test.page.goto(`${shared.server.address}?translation-profile=none`);
  await run(test);

  await test.page.goto(shared.server.address);
  await run(test);
  await expect.poll(() => runsBefore(test), { timeout: 20_000 }).toBe(1);
  await test.close();
});
