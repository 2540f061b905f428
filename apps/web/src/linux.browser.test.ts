import { debianGuest } from '@ringfence/guest';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { servePage, startBrowser } from './test-browser.ts';
import type { PageServer } from './test-browser.ts';
import { TestPage } from './test-page.ts';

let browser: Browser;
let server: PageServer;

beforeAll(async () => {
  const { kernel, initrd } = await debianGuest();
  server = await servePage({ vmlinuz: kernel, 'initramfs.cpio': initrd });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  server.close();
});

const query = `?kernel=vmlinuz&initrd=initramfs.cpio&append=${encodeURIComponent('console=ttyS0')}`;

it('boots Linux to a shell, keeps a snapshot, and goes on from it after a reload', async () => {
  const test = await TestPage.open(browser, server, query);
  const { page } = test;
  await test.waitForSerial(/BOOT-OK[^]*#$/, 240_000);
  await test.typeLine('kept=$((6*7)); uname -s');
  await test.waitForSerial(/\nLinux\n/);
  await page.getByRole('button', { name: 'Snapshots' }).click();
  await page.getByRole('button', { name: 'Save in this browser' }).click();
  await page.getByText('Saved.').waitFor({ timeout: 240_000 });
  // The address without a kernel: what goes on is in the snapshot.
  await page.goto(server.address);
  await test.waitForSerial(/Type help/);
  await page.getByRole('button', { name: 'Snapshots' }).click();
  await page.getByRole('button', { name: /^Snapshot 1/ }).click();
  await expect.poll(() => test.serialText(), { timeout: 240_000 }).toBe('');
  await test.typeLine('echo it is $kept');
  await test.waitForSerial(/\nit is 42\n/, 240_000);
  await test.close();
});
