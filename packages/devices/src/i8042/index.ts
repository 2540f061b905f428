export { I8042, type I8042Options } from './device.ts';
export { i8042Port } from './registers.ts';
export { keyCodes, set2Bytes, translateToSet1 } from './scan-codes.ts';
