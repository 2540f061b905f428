export { PostPort, type PostPortOptions } from './device.ts';
export { postPortAddress } from './registers.ts';
