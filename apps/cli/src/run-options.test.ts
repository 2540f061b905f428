import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSettings, optionTable } from '@ringfence/machine';
import { afterAll, describe, expect, it } from 'vitest';
import { runSettings } from './run-options.ts';
import { UsageError } from './usage-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-machine-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(text: string): string {
  const path = join(folder, 'pc.json');
  writeFileSync(path, text);
  return path;
}

describe('the options of run', () => {
  it('are those of the table, with the spellings that QEMU users know', () => {
    const line = '-m 512 -kernel vmlinuz -initrd i.gz -nographic -no-reboot -clock instructions -S';
    expect(runSettings([...line.split(' '), '-append', 'console=ttyS0 quiet'])).toEqual({
      ...defaultSettings,
      memory: 512 * 1024 * 1024,
      kernel: 'vmlinuz',
      initrd: 'i.gz',
      append: 'console=ttyS0 quiet',
      nographic: true,
      noReboot: true,
      clock: 'instructions',
      frozen: true,
    });
  });

  it.each(optionTable.map((row) => [row.flag, row] as const))(
    'know %s by its rows',
    (flag, row) => {
      const values: Record<string, string> = {
        size: '64M',
        seconds: '1',
        choice:
          row.value.kind === 'choice'
            ? (row.value.choices.find((one) => one !== defaultSettings[row.name]) ?? '')
            : '',
        properties: row.value.kind === 'properties' ? `${row.value.keys[0] ?? ''}=1` : '',
      };
      const bare = flag.replace(/^--?/, '');
      const value = values[row.value.kind] ?? 'x';
      const words = row.argument === undefined ? [] : [value];
      const settings = runSettings([flag, ...words]);
      expect(settings).not.toEqual(defaultSettings);
      expect(runSettings([`--${bare}`, ...words])).toEqual(settings);
      expect(runSettings([`-${bare}`, ...words])).toEqual(settings);
      if (row.argument !== undefined) expect(runSettings([`--${bare}=${value}`])).toEqual(settings);
    },
  );

  it('take the words by which QEMU is started where they ask for what is so anyway', () => {
    const idle =
      '-nodefaults -no-user-config -smp 1 -display none -vnc none -monitor none -net none ' +
      '-nic none -vga std -rtc base=utc -name test';
    expect(runSettings(idle.split(' '))).toEqual(defaultSettings);
    expect(runSettings(['-smp', 'cpus=1,sockets=1,cores=1'])).toEqual(defaultSettings);
  });

  it('tell that there is one processor to whoever wants more', () => {
    const told: string[] = [];
    const warn = (words: string): void => void told.push(words);
    expect(runSettings(['-smp', '2,cores=2'], warn)).toEqual(defaultSettings);
    expect(told).toEqual(['option -smp: the guest has one processor, not "2,cores=2"']);
    runSettings(['-smp', 'cpus=1,maxcpus=4', '-smp', 'sockets=1,cores=1'], warn);
    expect(told).toHaveLength(1);
  });

  it.each([
    ['-machine accel=tcg', { accel: 'translator' }],
    ['-machine pc-i440fx-7.2,accel=kvm:tcg,usb=off', { machine: 'pc', accel: 'translator' }],
    ['-M type=pc,kernel_irqchip=split', { machine: 'pc' }],
    ['-M pvh,accel=interpreter', { machine: 'pvh', accel: 'interpreter' }],
    ['-accel tcg,thread=single', { accel: 'translator' }],
  ])("read QEMU's %s", (words, settings) => {
    expect(runSettings(words.split(' '))).toEqual({ ...defaultSettings, ...settings });
  });

  it('take values that begin with a dash, look like a number, or are empty', () => {
    expect(runSettings(['-append', '-- single']).append).toBe('-- single');
    expect(runSettings(['-append', '-kernel']).append).toBe('-kernel');
    expect(runSettings(['-append', '0x10', '--type', '']).append).toBe('0x10');
    expect(runSettings(['--until=a=b']).until).toBe('a=b');
  });

  it('collect those that may be repeated, and take the last of the others', () => {
    const words = ['-serial', 'null', '-m', '1', '-serial', 'stdio', '-m', '2'];
    expect(runSettings(words)).toMatchObject({ serial: ['null', 'stdio'], memory: 2 << 20 });
  });

  it.each([
    [['-what'], 'run: expected one of the options that the help lists, found "-what"'],
    [['-smp', 'many'], 'option -smp: expected a number of processors, found "many"'],
    [['-smp', '1,cores=x'], 'found "1,cores=x"'],
    [['-monitor', 'stdio'], 'option -monitor: expected none, found "stdio"'],
    [['-vnc', ':0'], 'option -vnc: expected none, found ":0"'],
    [['-machine', 'q35'], 'option -machine: expected one of pc, pvh, xenpv, found "q35"'],
    [
      ['-machine', 'pc,usb=on'],
      'option -machine: expected a kind of machine, or accel=, found "usb',
    ],
    [['-accel', 'kvm'], 'option -accel: expected one of interpreter, translator, found "kvm"'],
    [['-m512'], 'found "-m512"'],
    [['--__proto__=1'], 'found "--__proto__=1"'],
    [['kernel'], 'run: expected options, found "kernel"'],
    [['-kernel'], 'run: option -kernel: expected FILE, found the end of the command line'],
    [['-m'], 'option -m: expected SIZE'],
    [['--nographic=1'], 'option -nographic: expected no value, found one'],
    [['-m', 'x'], 'option -m: expected a size'],
  ])('are refused as %j with a message that says where', (words, message) => {
    expect(() => runSettings(words)).toThrow(message);
  });
});

describe('--machine-file', () => {
  it('gives the options in the file, which the command line replaces', () => {
    const path = fileOf('{"m": "64M", "nographic": true, "serial": ["null"]}');
    const settings = runSettings(['-m', '128M', `--machine-file=${path}`, '-serial', 'stdio']);
    expect([settings.memory, settings.nographic]).toEqual([128 << 20, true]);
    expect(settings.serial).toEqual(['null', 'stdio']);
  });

  it('says what is wrong with a file', () => {
    const path = fileOf('{"m": ');
    expect(() => runSettings(['--machine-file', path])).toThrow(/pc.json: expected JSON: /);
    expect(() => runSettings(['--machine-file'])).toThrow(UsageError);
    expect(() => runSettings(['--machine-file', join(folder, 'none')])).toThrow(/no such file/);
  });
});
