export { VirtioConsole, type VirtioConsoleOptions } from './device.ts';
