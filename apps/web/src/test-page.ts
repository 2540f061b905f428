/** A page of the built application in a browser, for tests. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';

import type { PageServer } from './test-browser.ts';

/** What tests ask of the element. */
interface MachineElement extends HTMLElement {
  readonly serialText: string;
  readonly state: string;
  readonly speaker: { readonly hertz: number };
  screenText(): Promise<string>;
}

/** Where a tab is opened: a browser gives each a memory of its own. */
type Pages = Browser | BrowserContext;

/** One tab of the browser with the page in it; whatever goes wrong in it is kept in `faults`. */
export class TestPage {
  readonly page: Page;
  readonly faults: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.faults.push(message.text());
    });
  }

  /** Opens the page with a query. */
  static async open(browser: Pages, server: PageServer, query: string = ''): Promise<TestPage> {
    const test = new TestPage(await browser.newPage());
    await test.page.goto(`${server.address}${query}`);
    return test;
  }

  /** The text of the terminal. */
  serialText(): Promise<string> {
    return this.page.locator('ringfence-machine').evaluate((element) => {
      return (element as MachineElement).serialText;
    });
  }

  /** The text of the screen. */
  screenText(): Promise<string> {
    return this.page.locator('ringfence-machine').evaluate((element) => {
      return (element as MachineElement).screenText();
    });
  }

  /** The size of the canvas and a hash of its pixels. */
  canvasSum(): Promise<string> {
    return this.page.locator('canvas').evaluate(async (element) => {
      const { width, height } = element as HTMLCanvasElement;
      const context = (element as HTMLCanvasElement).getContext('2d');
      const data = context?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray(0);
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
      const text = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
      return `${String(width)}x${String(height)} ${text}`;
    });
  }

  /** The tone that the speaker sounds, in hertz. */
  tone(): Promise<number> {
    return this.page.locator('ringfence-machine').evaluate((element) => {
      return (element as MachineElement).speaker.hertz;
    });
  }

  /** Waits until the terminal shows something, and returns its text. */
  async waitForSerial(pattern: RegExp, timeoutMs: number = 30_000): Promise<string> {
    await expect
      .poll(() => this.serialText(), { timeout: timeoutMs, interval: 50 })
      .toMatch(pattern);
    return this.serialText();
  }

  /** Waits in the page itself until the terminal shows a word: costs less than to ask for it. */
  async untilSerial(word: string): Promise<void> {
    await this.page.locator('ringfence-machine').evaluate(async (element, wanted) => {
      while (!(element as MachineElement).serialText.includes(wanted)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }, word);
  }

  /** Waits until the text screen shows something. */
  async waitForScreen(pattern: RegExp, timeoutMs: number = 30_000): Promise<void> {
    await expect
      .poll(() => this.screenText(), { timeout: timeoutMs, interval: 50 })
      .toMatch(pattern);
  }

  /** Types a line into the terminal. */
  async typeLine(line: string): Promise<void> {
    await this.page.locator('ringfence-machine .xterm-helper-textarea').first().focus();
    await this.page.keyboard.type(line);
    await this.page.keyboard.press('Enter');
  }

  /** Drops a file on the page, as from a file manager. */
  async drop(files: readonly { name: string; base64: string }[]): Promise<void> {
    const transfer = await this.page.evaluateHandle((given) => {
      const data = new DataTransfer();
      for (const { name, base64 } of given) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        data.items.add(new File([bytes], name));
      }
      return data;
    }, files);
    await this.page.dispatchEvent('ringfence-page', 'drop', { dataTransfer: transfer });
  }

  /** Closes the tab; fails if anything went wrong in it. */
  async close(): Promise<void> {
    await this.page.close();
    expect(this.faults).toEqual([]);
  }
}
