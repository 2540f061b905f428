import { join } from 'node:path';
import { type DebianPackageOptions, debianPackage } from './debian-package.ts';

/** Paths of SeaBIOS and of its VGA BIOS for the PCI display adapter. */
export interface SeaBios {
  /** The image of 256 KiB; the VGA BIOS stands beside it, where `-bios` finds it. */
  readonly bios: string;
  readonly vgaBios: string;
}

/** Gives SeaBIOS from Debian's package `seabios`, unmodified, cached. */
export async function seaBios(options: DebianPackageOptions = {}): Promise<SeaBios> {
  const folder = join(await debianPackage('seabios', options), 'usr/share/seabios');
  return { bios: join(folder, 'bios-256k.bin'), vgaBios: join(folder, 'vgabios-stdvga.bin') };
}

/** Gives the path of memtest86+ for 32-bit processors, a boot image that is also a kernel. */
export async function memtest86(options: DebianPackageOptions = {}): Promise<string> {
  return join(await debianPackage('memtest86+', options), 'boot/memtest86+ia32.bin');
}

/** Gives the path of memtest86+ as a CD, which holds the image of a bootable floppy. */
export async function memtest86Cd(options: DebianPackageOptions = {}): Promise<string> {
  return join(await debianPackage('memtest86+', options), 'usr/lib/memtest86+/memtest86+ia32.iso');
}

/** Gives the path of GRUB's rescue system, made by `grub-mkrescue`: a CD that is a disk as well. */
export async function grubRescueCd(options: DebianPackageOptions = {}): Promise<string> {
  const folder = await debianPackage('grub-rescue-pc', options);
  return join(folder, 'usr/lib/grub-rescue/grub-rescue-cdrom.iso');
}

/** Gives the path of iPXE as a CD, which ISOLINUX starts. */
export async function ipxeCd(options: DebianPackageOptions = {}): Promise<string> {
  return join(await debianPackage('ipxe', options), 'usr/lib/ipxe/ipxe.iso');
}
