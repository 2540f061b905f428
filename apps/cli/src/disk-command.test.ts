import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { diskCommand } from './disk-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-disk-command-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

async function run(...args: readonly string[]): Promise<{ status: number; output: string }> {
  let output = '';
  const status = await diskCommand(args, { stdout: { write: (text) => (output += text) } });
  return { status, output };
}

describe('ringfence disk', () => {
  it.each(['create', 'info', 'convert', 'check'])('has help with examples for %s', async (name) => {
    const { status, output } = await run(name, '--help');
    expect(status).toBe(0);
    expect(output).toMatch(new RegExp(`^usage: ringfence disk ${name} `));
    expect(output).toMatch(new RegExp(`\\$ ringfence disk ${name} .*\\n`));
  });

  it('makes an image and tells what it is', async () => {
    const image = path('new.qcow2');
    expect(await run('create', '--cluster-size', '4K', image, '64M')).toMatchObject({ status: 0 });
    const { output } = await run('info', image);
    expect(output).toContain('format: qcow2\ndisk size: 64 MiB (67108864 bytes)\n');
    expect(output).toContain('cluster size: 4 KiB (4096 bytes)\n');
    expect(await run('check', image)).toMatchObject({ status: 0 });
  });

  it('makes an overlay of its base, and copies what both hold', async () => {
    const base = new Uint8Array(100_352).fill(7);
    writeFileSync(path('base.raw'), base);
    await run('create', '-b', 'base.raw', '-F', 'raw', path('top.qcow2'));
    expect((await run('info', path('top.qcow2'))).output).toContain('stands on: base.raw (raw)\n');
    await run('convert', path('top.qcow2'), path('copy.qcow2'));
    await run('convert', '-O', 'raw', path('copy.qcow2'), path('copy.raw'));
    expect(Buffer.compare(readFileSync(path('copy.raw')), base)).toBe(0);
  });

  it('finds a leak with status 3 and repairs it', async () => {
    const image = path('leak.qcow2');
    await run('create', image, '1M');
    const bytes = readFileSync(image);
    bytes.writeUInt16BE(1, 2 * 65_536 + 2 * 9);
    writeFileSync(image, bytes);
    expect(await run('check', image)).toMatchObject({ status: 3 });
    expect(await run('check', '--repair', image)).toMatchObject({ status: 0 });
    expect(await run('check', image)).toMatchObject({ status: 0 });
  });

  it('draws its progress on a terminal, and takes the bar away', async () => {
    let drawn = '';
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    stderr.on('data', (chunk: Buffer) => (drawn += chunk.toString()));
    writeFileSync(path('from.raw'), new Uint8Array(3 << 20));
    const streams = { stdout: { write: () => true }, stderr };
    await diskCommand(['convert', path('from.raw'), path('bar.qcow2')], streams);
    expect(drawn).toContain('writing');
    expect(drawn).toMatch(/100%/);
  });

  it.each<[readonly string[], string]>([
    [['make'], 'disk: expected create, info, convert or check, found "make"'],
    [['create', 'x'], 'expected a SIZE, or a base that has one'],
    [['create', 'x', '1.5G'], 'expected a size such as 512M or 4G, found "1.5G"'],
    [['create', '-f', 'vdi', 'x', '1M'], 'expected the format raw or qcow2, found "vdi"'],
    [['create', '--what', 'x'], 'disk create: expected one of the options that the help lists'],
    [['create', '-b'], 'disk create: option --backing: expected BASE'],
    [['info', '/nonexistent/x'], 'disk info: /nonexistent/x: no such file'],
    [['convert', 'one'], 'expected SOURCE TARGET'],
  ])('refuses %j', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
  });

  it('leaves a file that exists alone, and none behind that it could not finish', async () => {
    writeFileSync(path('mine'), 'data');
    await expect(run('create', path('mine'), '1M')).rejects.toThrow('mine: ');
    expect(readFileSync(path('mine'), 'utf8')).toBe('data');
    await expect(run('create', '--cluster-size', '3K', path('odd'), '1M')).rejects.toThrow('power');
    expect(existsSync(path('odd'))).toBe(false);
  });
});
