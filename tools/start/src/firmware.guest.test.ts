/** Firmware that no one here made: SeaBIOS with its VGA BIOS, and memtest86+, from Debian. */
import { readFileSync } from 'node:fs';
import { assembleText } from '@ringfence/assembler';
import { grubRescueCd, ipxeCd, memtest86, memtest86Cd, seaBios } from '@ringfence/guest';
import {
  type BootOptions,
  type HostServices,
  type Machine,
  type MachineOptions,
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

type Drives = NonNullable<MachineOptions['drives']>;

/** A drive whose sectors are in memory. */
function drive(kind: 'disk' | 'cdrom', data: Uint8Array): Drives[number] {
  const storage = {
    bytes: data.length,
    readOnly: kind === 'cdrom',
    read: (offset: number, target: Uint8Array, done: (ok: boolean) => void): void => {
      target.set(data.subarray(offset, offset + target.length));
      done(true);
    },
    write: (offset: number, source: Uint8Array, done: (ok: boolean) => void): void => {
      data.set(source, offset);
      done(true);
    },
    flush: (done: (ok: boolean) => void): void => done(true),
  };
  return { interface: 'ide', kind, unit: kind === 'cdrom' ? 2 : 0, storage };
}

async function start(
  boot: BootOptions,
  drives: Drives = [],
  debug: (byte: number) => void = () => {},
): Promise<Machine> {
  const machine = await createMachine({ memoryBytes: 64 << 20, boot, host, drives });
  machine.on('debugByte', debug);
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

/** Asks for VBE mode 101h (640 by 480, 256 colours) and writes a pixel through its second bank. */
const vbePixel = `
        bits 16
        mov ax, 0x4f02
        mov bx, 0x0101
        int 0x10
        out 0xe9, al
        mov al, ah
        out 0xe9, al
        mov ax, 0x4f05
        xor bx, bx
        mov dx, 1
        int 0x10
        mov ax, 0xa000
        mov es, ax
        mov byte [es:0x10], 15
        mov al, 0x5a
        out 0xe9, al
        cli
        hlt`;

describe("SeaBIOS's VGA BIOS", () => {
  it('sets a VBE mode whose banks are the picture', async (context) => {
    const boot = await seaBiosBoot(context);
    const disk = new Uint8Array(1 << 20);
    disk.set(assembleText(vbePixel, { origin: 0x7c00 }));
    disk.set([0x55, 0xaa], 510);
    let last: number[] = [];
    const machine = await new Promise<Machine>((resolve) => {
      const made = start(boot, [drive('disk', disk)], (byte) => {
        last = [...last.slice(-2), byte];
        if (byte === 0x5a && last[0] === 0x4f) setImmediate(() => void made.then(resolve));
      });
    });
    expect(last).toEqual([0x4f, 0x00, 0x5a]);
    const { width, height, rgba } = machine.screen.image();
    expect([width, height]).toEqual([640, 480]);
    const lit = [...rgba.keys()].filter((index) => index % 4 === 0 && (rgba[index] ?? 0) > 0);
    expect(lit).toEqual([4 * (0x1_0000 + 0x10)]);
  });
});

/** How far memtest86+ has to get: its second test, or through a full pass (RINGFENCE_MEMTEST=1). */
const isFullPass = process.env['RINGFENCE_MEMTEST'] !== undefined;
/** A full pass takes 300 s of a processor, which may not be the test's alone. */
const memtestSeconds = isFullPass ? 5400 : 560;
const memtestTimeout = { timeout: 1000 * (memtestSeconds + 40) };
const memtestEnd = isFullPass ? /Pass: +[1-9][^]*Errors: 0\b/ : /Test #[1-9][^]*Errors: 0\b/;

describe("Debian's memtest86+", () => {
  it('finds no error in 64 MiB', memtestTimeout, async (context) => {
    const kernel = bytesOf(await fetched(context, () => memtest86()));
    const machine = await start({ kind: 'kernel', kernel });
    await screenOf(machine, memtestEnd, memtestSeconds);
  });
});

const firmware = ['SeaBIOS', 'the built-in BIOS'] as const;

describe.each(firmware)('%s', (name) => {
  const bootOf = async (context: TestContext): Promise<BootOptions> =>
    name === 'SeaBIOS' ? await seaBiosBoot(context) : { kind: 'firmware' };

  it('boots a CD made by grub-mkrescue to its menu, which keys move about in', async (context) => {
    const cd = bytesOf(await fetched(context, () => grubRescueCd()));
    const machine = await start(await bootOf(context), [drive('cdrom', cd)]);
    await screenOf(machine, /\*GNU\/Linux[^]*Memtest86\+/, 120);
    machine.keyboard.type('c');
    await screenOf(machine, /grub>/, 60);
    machine.keyboard.type('echo $grub_platform-$grub_cpu\n');
    await screenOf(machine, /^pc-i386/m, 60);
  });

  it('boots the same image as a disk', async (context) => {
    const disk = bytesOf(await fetched(context, () => grubRescueCd()));
    const machine = await start(await bootOf(context), [drive('disk', disk)]);
    await screenOf(machine, /\*GNU\/Linux/, 120);
  });

  it('boots memtest86+ from the floppy that its CD holds', memtestTimeout, async (context) => {
    const cd = bytesOf(await fetched(context, () => memtest86Cd()));
    const machine = await start(await bootOf(context), [drive('cdrom', cd)]);
    await screenOf(machine, memtestEnd, memtestSeconds);
  });

  it('boots iPXE through ISOLINUX', async (context) => {
    const cd = bytesOf(await fetched(context, () => ipxeCd()));
    const machine = await start(await bootOf(context), [drive('cdrom', cd)]);
    await screenOf(machine, /iPXE.*Open Source Network Boot Firmware/, 180);
  });
});

/** Tells of each change of the BIOS's count of ticks at 40:6C. */
const tellTicks = (rest: string): string => `
        bits 16
        xor ax, ax
        mov ds, ax
        sti
next:   mov ax, [0x46c]
same:   ${rest}
        cmp ax, [0x46c]
        je same
        mov al, 0x2e
        out 0xe9, al
        jmp next`;

describe.each(firmware)('the timer of %s', (name) => {
  it.for(['hlt', 'inc ecx'])(
    'ticks 18.2 times in a second of the host: %s',
    async (rest, context) => {
      const boot = name === 'SeaBIOS' ? await seaBiosBoot(context) : { kind: 'firmware' as const };
      const disk = new Uint8Array(1 << 20);
      disk.set(assembleText(tellTicks(rest), { origin: 0x7c00 }));
      disk.set([0x55, 0xaa], 510);
      let ticks: number[] = [];
      await start(boot, [drive('disk', disk)], (byte) => {
        if (byte === 0x2e) ticks.push(performance.now());
      });
      let rate = 0;
      // What else runs on the host may keep it away from the guest for a while.
      for (let attempt = 0; attempt < 6 && Math.abs(rate / 18.2 - 1) > 0.08; attempt += 1) {
        ticks = [];
        while (ticks.length < 60) await new Promise((resolve) => setTimeout(resolve, 50));
        const [first = 0] = ticks;
        rate = (1000 * (ticks.length - 1)) / ((ticks.at(-1) ?? 0) - first);
      }
      expect(Math.abs(rate / 18.2 - 1)).toBeLessThan(0.08);
    },
  );
});

/** Sets a mode and reports the VGA's registers, its palette and the BIOS's data on the display. */
const reportMode = (mode: number): string => `
        bits 16
        mov ax, ${mode}
        int 0x10
        xor ax, ax
        mov ds, ax
        mov dx, 0x3cc
        in al, dx
        out 0xe9, al
        mov bx, 0x3c4
        mov cx, 4
        call indexed
        mov bx, [0x463]
        mov cx, 25
        call indexed
        mov bx, 0x3ce
        mov cx, 7
        call indexed
        xor cx, cx
attribute:
        mov dx, [0x463]
        add dx, 6
        in al, dx
        mov dx, 0x3c0
        mov al, cl
        out dx, al
        inc dx
        in al, dx
        out 0xe9, al
        inc cx
        cmp cx, 21
        jb attribute
        mov dx, 0x3c7
        xor al, al
        out dx, al
        mov dx, 0x3c9
        mov cx, 768
palette:
        in al, dx
        out 0xe9, al
        loop palette
        mov si, 0x449
        mov cx, 28
data:   lodsb
        out 0xe9, al
        loop data
        mov al, 0xa5
        out 0xe9, al
        mov al, 0x5a
        out 0xe9, al
        cli
        hlt
indexed:
        xor ah, ah
next:   mov dx, bx
        mov al, ah
        out dx, al
        inc dx
        in al, dx
        out 0xe9, al
        inc ah
        loop next
        ret`;
const reportBytes = 1 + 4 + 25 + 7 + 21 + 768 + 28 + 2;

describe('the built-in BIOS', () => {
  it("sets modes as SeaBIOS's VGA BIOS does", async (context) => {
    const sea = await seaBiosBoot(context);
    for (const mode of [0x00, 0x03, 0x04, 0x06, 0x0d, 0x0e, 0x10, 0x12, 0x13]) {
      const report = async (boot: BootOptions): Promise<number[]> => {
        const disk = new Uint8Array(1 << 20);
        disk.set(assembleText(reportMode(mode), { origin: 0x7c00 }));
        disk.set([0x55, 0xaa], 510);
        const bytes: number[] = [];
        await new Promise<void>((resolve) => {
          void start(boot, [drive('disk', disk)], (byte) => {
            bytes.push(byte);
            // SeaBIOS's own words come this way too, and are all ASCII.
            if (byte === 0x5a && bytes.at(-2) === 0xa5) setImmediate(resolve);
          });
        });
        return bytes.slice(-reportBytes);
      };
      const ours = await report({ kind: 'firmware' });
      expect({ mode, registers: ours }).toEqual({ mode, registers: await report(sea) });
    }
  });
});
