import { createHash } from 'node:crypto';
import { Assembler } from '@ringfence/assembler';
import { Disk, MemoryStore, openImage, runToEnd } from '@ringfence/disk';
import { createMachine } from '@ringfence/machine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { browserAndPage } from './test-browser.ts';
import { bootSectorOf, floppyOf } from './test-floppy.ts';
import { echoKernel } from './test-kernel.ts';
import { TestPage } from './test-page.ts';

const shared = browserAndPage();
let test: TestPage;

beforeEach(async () => {
  test = await TestPage.open(shared.browser, shared.server);
});
afterEach(() => test.close());

/** A floppy of 1440 KiB whose boot sector says something through the BIOS. */
function bootFloppy(words: string): string {
  return floppyOf(bootSectorOf(words)).toString('base64');
}

/** A floppy whose boot sector sounds a tone of 440 Hz. */
function toneFloppy(): string {
  const assembler = new Assembler({ bits: 16, origin: 0x7c00 });
  assembler.text(`
        mov al, 0xb6
        out 0x43, al
        mov ax, 2712            ; 1,193,182 Hz by 440 Hz
        out 0x42, al
        mov al, ah
        out 0x42, al
        in al, 0x61
        or al, 3
        out 0x61, al
done:   hlt
        jmp done
`);
  return floppyOf(assembler.assemble()).toString('base64');
}

/** A floppy whose boot sector fills 320 by 200 pixels with all 256 colours of mode 0x13. */
function graphicsFloppy(): Buffer {
  const assembler = new Assembler({ bits: 16, origin: 0x7c00 });
  assembler.text(`
        mov ax, 0x13
        int 0x10
        mov ax, 0xa000
        mov es, ax
        xor di, di
next:   mov ax, di
        add al, ah
        mov [es:di], al
        inc di
        cmp di, 64000
        jne next
done:   hlt
        jmp done
`);
  return floppyOf(assembler.assemble());
}

/** The same floppy in a machine of this process: a hash of its picture, once it is drawn. */
async function screenSum(image: Buffer): Promise<string> {
  const store = new MemoryStore({ contents: new Uint8Array(image) });
  const storage = new Disk(await runToEnd(openImage(store, { format: 'raw' })));
  const machine = await createMachine({
    memoryBytes: 0x100_0000,
    boot: { kind: 'firmware' },
    drives: [{ interface: 'floppy', kind: 'disk', unit: 0, storage }],
    host: {
      monotonicMs: () => performance.now(),
      unixTimeMs: () => Date.now(),
      setTimer: (callback, delayMs) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    },
  });
  void machine.start();
  // The last row, a moment later, so that it is whole.
  const redOfLastRow = (): number => {
    const { rgba, width } = machine.screen.image();
    return Math.max(...rgba.subarray(-4 * width).filter((_value, index) => index % 4 === 0));
  };
  const isWide = (): boolean => machine.screen.text() === '' && redOfLastRow() > 100;
  await expect.poll(isWide, { timeout: 90_000 }).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { width, height, rgba } = machine.screen.image();
  machine.dispose();
  expect([width, height]).not.toContain(0);
  return `${String(width)}x${String(height)} ${createHash('sha256').update(rgba).digest('hex')}`;
}

const prompt = /Type help\.\n>$/;

describe('the page', () => {
  it('starts with the built-in guest, which answers through the terminal', async () => {
    await test.waitForSerial(prompt);
    await test.typeLine('smc');
    expect(await test.waitForSerial(/smc: .*\n>$/)).toContain(
      'sum over 1000 changed calls is 499500',
    );
  });

  it('shows the screen on a canvas', async () => {
    const { page } = test;
    await test.waitForSerial(prompt);
    await page.getByRole('tab', { name: 'Screen' }).click();
    const litPixels = (): Promise<number> =>
      page.locator('canvas').evaluate((element) => {
        const { width, height } = element as HTMLCanvasElement;
        const context = (element as HTMLCanvasElement).getContext('2d');
        const data = context?.getImageData(0, 0, width, height).data ?? [];
        return [...data].filter((value, index) => index % 4 === 0 && value > 100).length;
      });
    await expect.poll(litPixels).toBeGreaterThan(500);
  });

  it('runs a kernel that is dropped on it, and gives it the keys of the screen', async () => {
    const { page } = test;
    await test.waitForSerial(prompt);
    await test.drop([{ name: 'echo.elf', base64: echoKernel() }]);
    await test.waitForSerial(/ready/);
    await page.getByText('echo.elf').waitFor();
    await page.getByRole('tab', { name: 'Screen' }).click();
    await page.locator('canvas').focus();
    await page.keyboard.type('as');
    // Codes of set 1 (IBM PC AT Technical Reference): 1e and 1f, and their releases.
    await test.waitForSerial(/ready 1e 9e 1f 9f/);
  });

  it('boots a floppy that is dropped on it, and shows its screen', async () => {
    await test.waitForSerial(prompt);
    await test.drop([{ name: 'boot.img', base64: bootFloppy('Floppy boots') }]);
    await test.waitForScreen(/Floppy boots/);
    const tab = test.page.getByRole('tab', { name: 'Screen' });
    await expect.poll(() => tab.getAttribute('aria-selected')).toBe('true');
    await test.page.getByText('boot.img').waitFor();
  });

  it('shows a graphics mode pixel by pixel as the machine gives it to others', async () => {
    await test.waitForSerial(prompt);
    const image = graphicsFloppy();
    await test.drop([{ name: 'graphics.img', base64: image.toString('base64') }]);
    await expect.poll(() => test.canvasSum(), { timeout: 90_000 }).toBe(await screenSum(image));
  });

  it('hears the tone of a guest, until somebody switches the sound off', async () => {
    await test.waitForSerial(prompt);
    await test.drop([{ name: 'tone.img', base64: toneFloppy() }]);
    await expect.poll(() => test.tone(), { timeout: 30_000 }).toBeCloseTo(440, 0);
    await test.page.getByRole('button', { name: 'Switch the sound off' }).click();
    await test.page.getByRole('button', { name: 'Switch the sound on' }).waitFor();
  });

  it('gives the keys back when Control and Alt are pressed together', async () => {
    const { page } = test;
    await test.waitForSerial(prompt);
    await page.getByRole('tab', { name: 'Screen' }).click();
    await page.locator('canvas').focus();
    await page.keyboard.down('Control');
    await page.keyboard.down('Alt');
    const isFocused = await page.locator('canvas').evaluate((canvas) => {
      return (canvas.getRootNode() as ShadowRoot).activeElement === canvas;
    });
    expect(isFocused).toBe(false);
  });

  it('gives the keys of the terminal back, so that Tab goes on to the inspector', async () => {
    const { page } = test;
    await test.waitForSerial(prompt);
    await page.getByRole('button', { name: 'Inspector' }).click();
    const terminal = page.getByRole('textbox', { name: /^Serial port 0/ });
    await terminal.focus();
    await page.keyboard.press('Tab');
    const isFocused = (): Promise<boolean> =>
      terminal.evaluate((area) => (area.getRootNode() as ShadowRoot).activeElement === area);
    expect(await isFocused()).toBe(true);
    await page.keyboard.press('Control+Alt');
    await page.keyboard.press('Tab');
    expect(await isFocused()).toBe(false);
    const focused = page.locator('ringfence-machine').evaluate((element) => {
      const inspector = element.shadowRoot?.querySelector('rf-inspector');
      return inspector?.shadowRoot?.activeElement?.getAttribute('role');
    });
    expect(await focused).toBe('tab');
  });

  it('keeps a snapshot in the browser, which a new page restores', async () => {
    const { page } = test;
    await test.waitForSerial(prompt);
    await test.typeLine('mem');
    await test.waitForSerial(/mem: .*\n>$/);
    await page.getByRole('button', { name: 'Snapshots' }).click();
    await page.getByRole('button', { name: 'Save in this browser' }).click();
    await page.getByText('Saved.').waitFor();
    await page.reload();
    await test.waitForSerial(prompt);
    await page.getByRole('button', { name: 'Snapshots' }).click();
    await page.getByRole('button', { name: /^Snapshot 1/ }).click();
    await expect.poll(() => test.serialText()).toBe('');
    // The screen is as it was, and the guest goes on.
    await test.waitForScreen(/> mem\nmem: lower 639 KiB/);
    await test.typeLine('smc');
    await test.waitForSerial(/^smc\nsmc: sum over 1000/);
  });

  it('refuses a damaged snapshot with the reason, and goes on with the machine', async () => {
    await test.waitForSerial(prompt);
    await test.drop([
      { name: 'state.rfs', base64: btoa('\u0089RFS\r\n\u001a\n and nothing more') },
    ]);
    await test.page.getByText(/snapshot at byte 8: expected version 1/).waitFor();
    await test.typeLine('smc');
    await test.waitForSerial(/smc: sum over 1000/);
  });

  it('says what is wrong with a query, and shows the guest of a good one', async () => {
    await test.page.goto(`${shared.server.address}?m=none`);
    await test.page.getByText(/option -m: expected a size/).waitFor();
    await test.page.goto(`${shared.server.address}?m=32`);
    await test.waitForSerial(prompt);
    await test.typeLine('mem');
    await test.waitForSerial(/upper 31744 KiB/);
  });

  it('pauses, goes on, and resets', async () => {
    const { page } = test;
    await test.waitForSerial(prompt);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Run' }).waitFor();
    await test.typeLine('smc');
    await page.getByRole('button', { name: 'Run' }).click();
    await test.waitForSerial(/smc: sum over 1000/);
    await page.getByRole('button', { name: 'Reset' }).click();
    await test.waitForSerial(/smc[^]*built-in guest\. Type help\.\n>$/);
  });

  it('types by the on-screen keyboard, with shift for one key', async () => {
    const { page } = test;
    await test.waitForSerial(prompt);
    await page.getByRole('button', { name: 'On-screen keyboard' }).click();
    const keys = page.getByRole('group', { name: 'On-screen keyboard' });
    await keys.getByRole('button', { name: 'Shift' }).click();
    for (const key of ['Q', 'w', 'Enter']) {
      await keys.getByRole('button', { name: key, exact: true }).click();
    }
    await test.waitForSerial(/> Qw\n/);
  });

  it('shows in the inspector what the hypervisor does', async () => {
    const { page } = test;
    await test.waitForSerial(prompt);
    await page.getByRole('button', { name: 'Inspector' }).click();
    // A rate that stays the same is a line without height, which is not called visible.
    const line = page.getByRole('row', { name: /HLT/ }).locator('polyline');
    await line.waitFor({ state: 'attached' });
    await page.getByRole('tab', { name: 'Descriptors' }).click();
    await page
      .getByRole('row', { name: /^CS 0008 00000000 ffffffff/ })
      .first()
      .waitFor();
    await page.getByRole('tab', { name: 'Pages' }).click();
    await page.getByRole('textbox', { name: 'Linear address' }).fill('5000');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('row', { name: /^00005000/ }).waitFor();
  });
});
