/** Firmware that no one here made: SeaBIOS with its VGA BIOS, and memtest86+, from Debian. */
import { readFileSync } from 'node:fs';
import { memtest86, seaBios } from '@ringfence/guest';
import {
  type BootOptions,
  type HostServices,
  type Machine,
  createMachine,
} from '@ringfence/machine';
import { type TestContext, afterEach, describe, expect, it } from 'vitest';

const host: HostServices = {
  monotonicMs: () => performance.now(),
  unixTimeMs: () => Date.now(),
  setTimer: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.dispose();
});

async function start(boot: BootOptions): Promise<Machine> {
  const machine = await createMachine({ memoryBytes: 64 << 20, boot, host });
  machines.push(machine);
  void machine.start();
  return machine;
}

/** Waits until the text screen matches, and returns it; fails with what stands there instead. */
async function screenOf(machine: Machine, pattern: RegExp, seconds: number): Promise<string> {
  const end = Date.now() + 1000 * seconds;
  for (;;) {
    const text = machine.screen.text();
    if (pattern.test(text)) return text;
    if (Date.now() > end) expect.fail(`no ${String(pattern)} on the screen:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What a package holds; where it cannot be fetched the test is left out, but never in CI. */
async function fetched<Value>(context: TestContext, get: () => Promise<Value>): Promise<Value> {
  try {
    return await get();
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return context.skip(String(error));
  }
}

const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

async function seaBiosBoot(context: TestContext): Promise<BootOptions> {
  const { bios, vgaBios } = await fetched(context, () => seaBios());
  return { kind: 'firmware', bios: bytesOf(bios), vgaBios: bytesOf(vgaBios), menu: true };
}

describe("Debian's SeaBIOS", () => {
  it('says that no device is bootable, in the letters of its VGA BIOS', async (context) => {
    const machine = await start(await seaBiosBoot(context));
    const text = await screenOf(machine, /No bootable device/, 120);
    expect(text).toMatch(/^SeaBIOS \(version /);
    const { width, height, rgba } = machine.screen.image();
    expect([width, height]).toEqual([720, 400]);
    const lit = (line: number): number => {
      const pixels = rgba.subarray(4 * width * line, 4 * width * (line + 1));
      return pixels.filter((value, index) => index % 4 === 0 && value > 0).length;
    };
    // "SeaBIOS (version": its first line has ink between its margins, the second line has none.
    expect(lit(5)).toBeGreaterThan(20);
    expect(lit(16 + 5)).toBe(0);
  });

  it('opens its boot menu when Escape is typed', async (context) => {
    const machine = await start(await seaBiosBoot(context));
    await screenOf(machine, /Press ESC for boot menu/, 120);
    machine.keyboard.type('\u001b');
    await screenOf(machine, /Select boot device:/, 60);
  });
});

describe("Debian's memtest86+", () => {
  it('finds no error in 64 MiB in a full pass', async (context) => {
    const kernel = bytesOf(await fetched(context, () => memtest86()));
    const machine = await start({ kind: 'kernel', kernel });
    const text = await screenOf(machine, /Pass: +[1-9]/, 560);
    expect(text).toMatch(/Errors: 0\b/);
  });
});
