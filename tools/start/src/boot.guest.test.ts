/** The main job: Debian's stock kernel, fetched as `pnpm start` fetches it, boots to a shell. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type KernelFlavour, debianGuest } from '@ringfence/guest';
import type { MachineStats } from '@ringfence/machine';
import { type TestContext, afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-boot-'));
afterAll(() => rmSync(folder, { recursive: true }));

const cli = fileURLToPath(new URL('../../../apps/cli/src/main.ts', import.meta.url));
const starter = fileURLToPath(new URL('main.ts', import.meta.url));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of our programs from sources with the given standard input. */
function run(
  program: string,
  args: readonly string[],
  input = '',
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const node = ['--conditions=@ringfence/source', '--import', 'tsx', program];
    const child = spawn(process.execPath, [...node, ...args], { env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('latin1').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
    child.stdin.end(input);
  });
}

/** The guest; where it cannot be fetched the test is left out, but never in CI. */
async function guestFor(context: TestContext, flavour: KernelFlavour) {
  try {
    return await debianGuest({ flavour });
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return context.skip(String(error));
  }
}

describe.each(['686', '686-pae'] as const)("Debian's stock %s kernel", (flavour) => {
  it('boots to the marker that /init prints', async (context) => {
    const { kernel, initrd } = await guestFor(context, flavour);
    const statsFile = join(folder, `${flavour}.json`);
    const files = ['-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0'];
    const limits = ['--until', 'BOOT-OK', '--timeout', '300', '--stats', statsFile];
    const ended = await run(cli, ['run', ...files, '-nographic', ...limits]);
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(ended.stdout).toMatch(/Linux version .* Debian/);
    expect(ended.stdout).toMatch(/^BOOT-OK/m);
    const { instructions } = JSON.parse(readFileSync(statsFile, 'utf8')) as MachineStats;
    expect(instructions.total).toBeGreaterThan(100e6);
    expect(instructions.total).toBe(instructions.interpreted + instructions.translated);
  });
});

describe('start', () => {
  it('types its input into the shell and ends with the guest', async (context) => {
    await guestFor(context, '686');
    const ended = await run(
      starter,
      [],
      'echo "six times seven: $((6 * 7))"; uname -m\npoweroff -f\n',
    );
    expect(ended.status, ended.stderr).toBe(0);
    expect(ended.stdout).toContain('six times seven: 42\r\ni686');
  });

  it('switches the guest off at the end of its input', async (context) => {
    await guestFor(context, '686');
    const ended = await run(
      starter,
      [],
      'id -u > /tmp/id\nset < /tmp/id; cat /tmp/id /proc/uptime\n',
    );
    expect(ended.status, ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/\n0\r\n\d+\.\d\d \d+\.\d\d\r/);
  });

  it('says why and runs the built-in guest where there is no apt', async () => {
    const env = { ...process.env, PATH: '/nonexistent', XDG_CACHE_HOME: join(folder, 'cache') };
    const ended = await run(starter, [], 'smc\npoweroff\n', env);
    expect(ended.status, ended.stderr).toBe(0);
    expect(ended.stderr.split('\n')).toContain(
      "Debian's kernel cannot be had (there is no apt-get on this machine): " +
        'the built-in guest runs instead',
    );
    expect(ended.stdout).toContain('> smc\r\n');
  });
});
