export { DebugConsole, type DebugConsoleOptions } from './device.ts';
export { debugConsoleAddress, firmwareConsoleAddress } from './registers.ts';
