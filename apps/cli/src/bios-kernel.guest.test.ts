/** SeaBIOS with `-kernel`: the kernel is a boot choice, and the first one. */
import { type DebianGuest, debianGuest, seaBios } from '@ringfence/guest';
import { expect, it } from 'vitest';
import { runCli } from './test-disk-guest.ts';

const commands = 'echo "ANSWER $((6 * 7)) $(cat /proc/cmdline)"\npoweroff -f\n';

async function guestAndBios(): Promise<readonly [DebianGuest, bios: string] | string> {
  try {
    return [await debianGuest({ initramfs: { commands } }), (await seaBios()).bios];
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return String(error);
  }
}

it('boots a kernel with its initrd and command line, if nothing else is chosen', async () => {
  const found = await guestAndBios();
  if (typeof found === 'string') return;
  const [{ kernel, initrd }, bios] = found;
  const files = ['-bios', bios, '-kernel', kernel, '-initrd', initrd];
  const args = ['run', ...files, '-append', 'console=ttyS0 quiet', '-serial', 'stdio'];
  const { status, output } = await runCli([...args, '--timeout', '240']);
  expect(output).toMatch(/ANSWER 42 console=ttyS0 quiet\r\n/);
  expect(status, output).toBe(0);
});

it("shows a kernel in SeaBIOS's menu", async () => {
  const found = await guestAndBios();
  if (typeof found === 'string') return;
  const [{ kernel }, bios] = found;
  const menu = ['-boot', 'menu=on,splash-time=60000', '--type', '\u001b'];
  const when = ['--type-after', 'for boot menu', '--until-screen', '1\\. Linux of option -kernel'];
  const args = ['run', '-bios', bios, '-kernel', kernel, ...menu, ...when, '--timeout', '60'];
  const { status, output } = await runCli([...args, '-serial', 'null']);
  expect(status, output).toBe(0);
});
