import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { servePage, startBrowser } from './test-browser.ts';
import type { PageServer } from './test-browser.ts';

let browser: Browser;
let server: PageServer;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  server = await servePage();
  browser = await startBrowser();
}, 120_000);
afterEach(async () => {
  await page.close();
  expect(faults.splice(0)).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  server.close();
});

async function open(query: string = ''): Promise<void> {
  page = await browser.newPage();
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await page.goto(`${server.address}${query}`);
}

function serialText(): Promise<string> {
  return page.locator('ringfence-machine').evaluate((element) => {
    return (element as HTMLElement & { serialText: string }).serialText;
  });
}

async function waitForText(pattern: RegExp, timeoutMs: number = 30_000): Promise<string> {
  await expect.poll(serialText, { timeout: timeoutMs, interval: 50 }).toMatch(pattern);
  return serialText();
}

async function typeLine(line: string): Promise<void> {
  await page.locator('ringfence-machine .xterm-helper-textarea').first().focus();
  await page.keyboard.type(line);
  await page.keyboard.press('Enter');
}

describe('the page', () => {
  it('starts with the built-in guest, which answers through the terminal', async () => {
    await open();
    await waitForText(/Type help\.\n>$/);
    await typeLine('smc');
    expect(await waitForText(/smc: .*\n>$/)).toContain('sum over 1000 changed calls is 499500');
  });
});
