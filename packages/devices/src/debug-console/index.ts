export { DebugConsole, type DebugConsoleOptions } from './device.ts';
export { debugConsoleAddress } from './registers.ts';
