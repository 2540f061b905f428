export * from './dispatch.ts';
export * from './error.ts';
export * from './interfaces.ts';
export * from './kvm/constants.ts';
export { KvmAbi } from './kvm/kvm-abi.ts';
export type { KvmOptions } from './kvm/kvm-abi.ts';
