import { describe, expect, it } from 'vitest';

import { MachineError } from '../error.ts';
import { machineOptions } from './machine-options.ts';
import { optionHelp, parseParameters } from './parse.ts';
import { defaultSettings, optionTable } from './table.ts';
import { settingsOf } from './test-words.ts';

const messageOf = (args: readonly string[]): string => {
  try {
    settingsOf(args);
  } catch (error) {
    return error instanceof MachineError ? `${error.code}: ${error.message}` : 'another error';
  }
  return 'no error';
};
const host = { monotonicMs: () => 0, unixTimeMs: () => 0, setTimer: () => () => undefined };

describe('a list of options', () => {
  it('gives the defaults for no arguments', () => {
    expect(settingsOf([])).toEqual(defaultSettings);
  });

  it('reads the spellings that QEMU users know', () => {
    const line = '-m 512 -kernel vmlinuz -initrd i.gz -nographic -no-reboot -clock instructions';
    expect(settingsOf([...line.split(' '), '-append', 'console=ttyS0 quiet'])).toEqual({
      ...defaultSettings,
      memory: 512 * 1024 * 1024,
      kernel: 'vmlinuz',
      initrd: 'i.gz',
      append: 'console=ttyS0 quiet',
      nographic: true,
      noReboot: true,
      clock: 'instructions',
    });
  });

  it.each([
    ['64', 0x400_0000],
    ['65536k', 0x400_0000],
    ['2G', 0x8000_0000],
    ['4096K', 0x40_0000],
    ['4097K', undefined],
    ['2097153B', undefined],
  ])('reads the size %s', (text, bytes) => {
    if (bytes === undefined) {
      expect(messageOf(['-m', text])).toContain('bad-option');
    } else {
      expect(settingsOf(['-m', text]).memory).toBe(bytes);
    }
  });

  it('collects options that may be repeated, up to their bound', () => {
    expect(settingsOf(['-serial', 'null', '-serial', 'stdio']).serial).toEqual(['null', 'stdio']);
    const six = Array.from({ length: 6 }, () => ['-serial', 'null']).flat();
    expect(messageOf(six)).toBe(
      'bad-option: option -serial: expected at most 5 of them, found one more',
    );
  });

  it('reads properties with a head and doubled commas', () => {
    expect(settingsOf(['-device', 'isa-debug-exit,iobase=0x501']).device).toEqual([
      { driver: 'isa-debug-exit', iobase: '0x501' },
    ]);
    expect(messageOf(['-device', 'isa-debug-exit,what=1'])).toContain('found "what=1"');
  });

  it.each([
    [['-what'], 'bad-option: options: expected one of those that the help lists, found "what"'],
    [['-kernel', ''], 'expected a file name'],
    [['-m', '0'], 'expected 1M to 3712M, found "0"'],
    [['-m', '4G'], 'expected 1M to 3712M'],
    [['-m', '1e9'], 'expected a size'],
    [['-clock', 'sun'], 'expected one of host, instructions, found "sun"'],
    [['--until', '('], 'expected a regular expression'],
    [['--timeout', '-1'], 'expected seconds'],
    [['-fda', ''], 'expected a file name'],
    [['-machine', 'constructor'], 'expected one of pc, pvh, xenpv'],
  ])('refuses %j with a message that says where', (args, message) => {
    expect(messageOf(args)).toContain(message);
  });

  it('repeats only the beginning of a long wrong value', () => {
    expect(messageOf(['-m', 'x'.repeat(10_000)]).length).toBeLessThan(200);
  });
});

describe('parseParameters', () => {
  it('reads the query of a URL', () => {
    const query = new URLSearchParams('m=64&kernel=vmlinuz&no-reboot&append=a+b&until=x');
    expect(parseParameters(query)).toMatchObject({
      memory: 64 * 1024 * 1024,
      kernel: 'vmlinuz',
      noReboot: true,
      append: 'a b',
      until: 'x',
    });
  });

  it('refuses a name that is none and a flag with a wrong value', () => {
    expect(() => parseParameters([['nokernel', '']])).toThrow(MachineError);
    expect(() => parseParameters([['nographic', 'no']])).toThrow('nothing, 1 or true');
  });
});

describe('optionTable', () => {
  it('has unique names and flags', () => {
    expect(new Set(optionTable.map((row) => row.name)).size).toBe(optionTable.length);
    expect(new Set(optionTable.map((row) => row.flag)).size).toBe(optionTable.length);
  });

  it('has a default array for each option that may be repeated', () => {
    for (const row of optionTable) {
      expect(Array.isArray(defaultSettings[row.name])).toBe(row.most !== undefined);
    }
  });

  it('is listed in the help, line by line', () => {
    const help = optionHelp();
    for (const row of optionTable) {
      expect(help).toContain(`  ${row.flag}`);
    }
    expect(optionHelp('program')).not.toContain('-kernel');
  });
});

describe('machineOptions', () => {
  it('boots a program that comes with Ringfence by its name, and no other', () => {
    const boot = (name: string) => machineOptions(settingsOf(['-kernel', name]), {}, host).boot;
    expect(boot('builtin:teaching')).toEqual({ kind: 'built-in', program: 'teaching' });
    expect(() => boot('builtin:learning')).toThrow('builtin:teaching-ported');
  });

  it('boots the built-in guest without a kernel', () => {
    expect(machineOptions(settingsOf([]), {}, host).boot).toEqual({ kind: 'built-in' });
  });

  it('boots firmware where there are disks, a boot order or a BIOS and no kernel', () => {
    const boot = (...args: readonly string[]): unknown =>
      machineOptions(settingsOf(args), {}, host).boot;
    expect(boot('-hda', 'disk')).toEqual({ kind: 'firmware' });
    expect(boot('-cdrom', 'cd', '-boot', 'dc,menu=on')).toEqual({
      kind: 'firmware',
      order: 'dc',
      menu: true,
    });
    expect(boot('-bios', 'built-in')).toEqual({ kind: 'firmware' });
    const bios = new Uint8Array([1]);
    const vgaBios = new Uint8Array([2]);
    const settings = settingsOf(['-bios', 'b']);
    expect(machineOptions(settings, { bios, vgaBios }, host).boot).toEqual({
      kind: 'firmware',
      bios,
      vgaBios,
    });
    expect(() => boot('-hda', 'disk', '-boot', 'menu=perhaps')).toThrow('menu=on or menu=off');
  });

  it('carries kernel, initrd and command line', () => {
    const kernel = new Uint8Array([1]);
    const initrd = new Uint8Array([2]);
    const settings = settingsOf(['-kernel', 'k', '-initrd', 'i', '-append', 'quiet']);
    expect(machineOptions(settings, { kernel, initrd }, host).boot).toEqual({
      kind: 'kernel',
      kernel,
      name: 'k',
      initrdName: 'i',
      initrd,
      commandLine: 'quiet',
    });
  });

  it('refuses an initrd or a command line without a kernel', () => {
    expect(() => machineOptions(settingsOf(['-append', 'x']), {}, host)).toThrow('-append');
    expect(() => machineOptions(settingsOf([]), { initrd: new Uint8Array(1) }, host)).toThrow(
      '-initrd',
    );
  });

  it('finds the debug-exit port', () => {
    const port = (text: string): number | undefined =>
      machineOptions(settingsOf(['-device', text]), {}, host).debugExitPort;
    expect(port('isa-debug-exit')).toBe(0xf4);
    expect(port('isa-debug-exit,iobase=0x501,iosize=4')).toBe(0x501);
    expect(() => port('isa-debug-exit,iobase=banana')).toThrow('0 to 0xffff');
    expect(() => port('e1000')).toThrow('isa-debug-exit');
  });
});
