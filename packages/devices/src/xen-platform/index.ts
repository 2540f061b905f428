export { XenPlatform, type XenPlatformOptions } from './device.ts';
