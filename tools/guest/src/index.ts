export { PrivateApt, type PackageRecord, type Progress } from './apt.ts';
export { cacheFolder } from './cache-folder.ts';
export { type CpioEntry, cpioArchive } from './cpio.ts';
export { unpackDeb } from './deb.ts';
export { type DebianPackageOptions, debianPackage } from './debian-package.ts';
export { type SeaBios, grubRescueCd, ipxeCd, memtest86, memtest86Cd, seaBios } from './firmware.ts';
export {
  type DebianGuest,
  type DebianGuestOptions,
  type KernelFlavour,
  debianGuest,
} from './debian.ts';
export { type GrubImageContents, grubImage } from './grub-image.ts';
export { GuestError, type GuestErrorCode } from './guest-error.ts';
export { dependenciesOf, type KernelModule, kernelModules } from './kernel-modules.ts';
export { progressLines } from './progress-lines.ts';
export { BOOT_MARKER, type InitramfsOptions, buildInitramfs } from './initramfs.ts';
