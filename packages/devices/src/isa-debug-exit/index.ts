export { IsaDebugExit, type IsaDebugExitOptions } from './device.ts';
export { debugExitAddress, debugExitStatus } from './registers.ts';
