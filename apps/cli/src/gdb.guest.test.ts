/** Debian's gdb on a running Linux kernel, by the remote protocol. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianGuest } from '@ringfence/guest';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-gdb-'));
afterAll(() => rmSync(folder, { recursive: true }));

const main = fileURLToPath(new URL('main.ts', import.meta.url));

/** What gdb does, once it finds the CPU right behind the HLT of an idle kernel. */
const commands = `
set pagination off
set architecture i386
set tcp connect-timeout 30
target remote :PORT
while *(unsigned char*)($pc - 1) != 0xf4
  detach
  shell sleep 0.2
  target remote :PORT
end
info registers eip cs
x/2i $pc
stepi
stepi
hbreak *$pc
continue
stepi
delete
break *$pc
continue
delete
set $place = $esp - 16
watch *(int*)$place
continue
delete
printf "stack %x\\n", *(int*)$esp
p $xmm0.uint128
detach
`;

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

describe("Debian's gdb", () => {
  it.each(['interpreter', 'translator'])(
    'stops, steps, breaks and watches a running kernel, which goes on, %s',
    async (accel) => {
      if (spawnSync('gdb', ['--version']).status !== 0) {
        expect(process.env['CI'], 'gdb is missing').toBeUndefined();
        return;
      }
      const { kernel, initrd } = await debianGuest({ flavour: '686' });
      const port = await freePort();
      const child = spawn(process.execPath, [
        ...['--conditions=@ringfence/source', '--import', 'tsx', main, 'run', '-accel', accel],
        ...['-kernel', kernel, '-initrd', initrd, '-nographic', '-gdb', `tcp::${port}`],
        ...['-append', 'console=ttyS0 cryptomgr.notests', '--timeout', '300'],
      ]);
      let output = '';
      const said = (pattern: RegExp): Promise<void> =>
        new Promise((resolve, reject) => {
          const look = (): void => {
            if (pattern.test(output)) resolve();
          };
          child.stdout.on('data', look);
          child.on('close', () => reject(new Error(output)));
          look();
        });
      child.stdout.setEncoding('latin1').on('data', (text: string) => (output += text));
      try {
        await said(/BOOT-OK/);
        // What wakes the idle loop, so that a place in it is come to again.
        child.stdin.write('while sleep 1; do :; done &\necho loop-$((6 * 7))\n');
        await said(/loop-42/);
        const script = join(folder, `commands-${accel}`);
        writeFileSync(script, commands.replaceAll('PORT', String(port)));
        const gdb = spawnSync('gdb', ['-batch', '-nx', '-x', script], {
          encoding: 'utf8',
          timeout: 120_000,
        });
        const text = gdb.stdout + gdb.stderr;
        expect(text).toMatch(/cs +0x60/);
        expect(text).toMatch(/=> 0xc/);
        expect(text).toMatch(/Breakpoint 1, 0xc/);
        expect(text).toMatch(/Breakpoint 2, 0xc/);
        expect(text).toMatch(/Hardware watchpoint 3:[^]*Old value[^]*New value/);
        expect(text).toMatch(/stack [0-9a-f]+/);
        output = '';
        child.stdin.write('echo still-$((6 * 7))\n');
        await said(/still-42/);
      } finally {
        child.kill();
      }
    },
  );
});
