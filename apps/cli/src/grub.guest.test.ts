/**
 * An image that `grub-mkrescue` makes, booted as CD and as disk under both BIOSes: GRUB loads
 * Linux, which reads its initramfs and powers off, and memtest86+ by the 16-bit boot protocol.
 */
import { debianGuest, grubImage, memtest86, seaBios } from '@ringfence/guest';
import { expect, it } from 'vitest';
import { runCli } from './test-disk-guest.ts';

const configuration = `
serial --unit=0 --speed=115200
set timeout=-1
menuentry "Linux" --hotkey=l {
  linux /boot/vmlinuz console=ttyS0 quiet panic=-1
  initrd /boot/initrd
}
menuentry "Memory test" --hotkey=m {
  linux16 /boot/memtest
}
`;
const commands = 'echo "ANSWER $((6 * 7)) $(cat /proc/cmdline)"\npoweroff -f\n';

/** Gives the image and SeaBIOS, or says why they cannot be had. */
async function imageAndBios(): Promise<readonly [image: string, bios: string] | string> {
  try {
    const [guest, memtest] = await Promise.all([
      debianGuest({ initramfs: { commands } }),
      memtest86(),
    ]);
    const files = {
      'boot/vmlinuz': guest.kernel,
      'boot/initrd': guest.initrd,
      'boot/memtest': memtest,
    };
    return [await grubImage({ configuration, files }), (await seaBios()).bios];
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return String(error);
  }
}

it.each([
  ['SeaBIOS', '-cdrom'],
  ['the built-in BIOS', '-hda'],
] as const)('%s boots Linux through GRUB from %s', async (name, option) => {
  const found = await imageAndBios();
  if (typeof found === 'string') return;
  const [image, seabios] = found;
  const bios = name === 'SeaBIOS' ? seabios : 'built-in';
  const keys = ['--type', 'l', '--type-after', '\\*Linux[^]*Memory test'];
  const args = ['run', '-m', '128M', '-bios', bios, option, image, '-serial', 'stdio', ...keys];
  const { status, output } = await runCli([...args, '--timeout', '280']);
  expect(output).toMatch(/ANSWER 42 BOOT_IMAGE=\/boot\/vmlinuz console=ttyS0 quiet panic=-1\r\n/);
  expect(status, output).toBe(0);
});

it.each([
  ['SeaBIOS', '-hda'],
  ['the built-in BIOS', '-cdrom'],
] as const)('%s boots memtest86+ through GRUB from %s', async (name, option) => {
  const found = await imageAndBios();
  if (typeof found === 'string') return;
  const [image, seabios] = found;
  const bios = name === 'SeaBIOS' ? seabios : 'built-in';
  const keys = ['--type', 'm', '--type-after', '\\*Linux[^]*Memory test'];
  const until = ['--until-screen', 'Testing: .*MB[^]*Errors: 0', '--timeout', '180'];
  const args = ['run', '-m', '64M', '-bios', bios, option, image, '-serial', 'null', ...keys];
  const { status, output } = await runCli([...args, ...until]);
  expect(status, output).toBe(0);
});
