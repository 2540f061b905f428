/** The screen of the page: its size in the window, full screen, the mouse, and a dropped CD. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { browserAndPage } from './test-browser.ts';
import { bootSectorOf } from './test-floppy.ts';
import { echoKernel } from './test-kernel.ts';
import { TestPage } from './test-page.ts';

const shared = browserAndPage();
let test: TestPage;

beforeEach(async () => {
  test = await TestPage.open(shared.browser, shared.server);
  await test.waitForSerial(/Type help\.\n>$/);
  await test.page.getByRole('tab', { name: 'Screen' }).click();
});
afterEach(() => test.close());

/** A CD with a boot record of El Torito, whose program is loaded as it is. */
function bootCd(words: string): string {
  const image = Buffer.alloc(40 * 2048);
  const descriptor = (sector: number, type: number): Buffer => {
    const at = image.subarray(2048 * sector, 2048 * (sector + 1));
    at.set([type, ...Buffer.from('CD001'), 1]);
    return at;
  };
  descriptor(16, 1);
  const record = descriptor(17, 0);
  record.set(Buffer.from('EL TORITO SPECIFICATION'), 7);
  record.writeUInt32LE(19, 0x47);
  descriptor(18, 255);
  const catalog = image.subarray(2048 * 19);
  catalog.set([1]);
  catalog.set([0xaa, 0x55, 0x55, 0xaa], 28);
  // Bootable, no emulation, four sectors of 512 bytes from sector 20.
  catalog.set([0x88, 0, 0, 0, 0, 0, 4, 0, 20], 32);
  image.set(bootSectorOf(words), 2048 * 20);
  return image.toString('base64');
}

/** Where the canvas and what it stands in are in the window. */
async function boxes(): Promise<{ canvas: DOMRect; around: DOMRect }> {
  return test.page.locator('canvas').evaluate((canvas) => ({
    canvas: canvas.getBoundingClientRect().toJSON() as DOMRect,
    around: (canvas.parentElement ?? canvas).getBoundingClientRect().toJSON() as DOMRect,
  }));
}

describe('the screen', () => {
  it('fits in the window, or has dots of one or two pixels, all of which can be seen', async () => {
    const { page } = test;
    const scale = page.getByRole('combobox', { name: 'Scale of the screen' });
    await page.setViewportSize({ width: 700, height: 500 });
    const fit = await boxes();
    expect(fit.canvas.width).toBeLessThanOrEqual(fit.around.width);
    expect(fit.canvas.height).toBeLessThanOrEqual(fit.around.height);
    for (const [name, size] of [
      ['one', 720],
      ['two', 1440],
    ] as const) {
      await scale.selectOption(name);
      const { canvas, around } = await boxes();
      expect(canvas.width).toBe(size);
      // Larger than the window, it begins in its corner: what is to the left cannot be scrolled to.
      expect(canvas.left).toBeGreaterThanOrEqual(around.left);
      expect(canvas.top).toBeGreaterThanOrEqual(around.top);
    }
  });

  it('fills the display where that is asked for, and gives it back', async () => {
    const { page } = test;
    const isFull = (): Promise<boolean> =>
      page.locator('ringfence-machine').evaluate((element) => element.matches(':fullscreen'));
    const button = page.getByRole('button', { name: 'Full screen' });
    await button.click();
    await expect.poll(isFull).toBe(true);
    const { width, x, y } = await page.locator('ringfence-machine').evaluate((element) => {
      return element.getBoundingClientRect().toJSON() as DOMRect;
    });
    expect([x, y, width]).toEqual([0, 0, await page.evaluate(() => innerWidth)]);
    const focused = page.locator('canvas').evaluate((canvas) => {
      return (canvas.getRootNode() as ShadowRoot).activeElement === canvas;
    });
    expect(await focused).toBe(true);
    await button.click();
    await expect.poll(isFull).toBe(false);
  });

  it('gives the mouse to the guest until Control and Alt are pressed', async () => {
    const { page } = test;
    // The controller's mouse on, and the mouse sends what it has.
    const on = [
      [0x64, 0xa8],
      [0x64, 0xd4],
      [0x60, 0xf4],
    ] as const;
    await test.drop([{ name: 'echo.elf', base64: echoKernel(on) }]);
    await test.waitForSerial(/ready fa$/);
    await page.getByRole('tab', { name: 'Screen' }).click();
    await page.getByRole('button', { name: /^Give the mouse to the guest/ }).click();
    const isCaptured = (): Promise<boolean> =>
      page.locator('canvas').evaluate((canvas) => {
        return (canvas.getRootNode() as ShadowRoot).pointerLockElement === canvas;
      });
    await expect.poll(isCaptured).toBe(true);
    await page.mouse.move(300, 300);
    const before = (await test.serialText()).length;
    await page.mouse.move(305, 297);
    // Five to the right and three up, no button held.
    await expect.poll(async () => (await test.serialText()).slice(before)).toMatch(/ 08 05 03/);
    await page.mouse.down();
    await test.waitForSerial(/ 09 00 00$/);
    await page.mouse.up();
    await test.waitForSerial(/ 09 00 00 08 00 00$/);
    await page.keyboard.press('Control+Alt');
    await expect.poll(isCaptured).toBe(false);
  });

  it('shows what a CD says that is dropped on the page', async () => {
    await test.drop([{ name: 'boot.iso', base64: bootCd('The CD boots') }]);
    await test.waitForScreen(/The CD boots/);
    await test.page.getByText('boot.iso').waitFor();
  });
});
