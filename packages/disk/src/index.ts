export {
  closeStore,
  flushStore,
  readBytes,
  refuseWrite,
  writeBytes,
  type ByteStore,
  type Soon,
} from './byte-store.ts';
export { Disk, maximumWaiting, type Completion, type DiskOptions } from './disk.ts';
export { DiskError, type DiskErrorCode } from './error.ts';
export type { DiskFormat, DiskImage } from './image.ts';
export { MemoryStore, type MemoryStoreOptions } from './memory-store.ts';
export { RawImage } from './raw-image.ts';
export { advance, runNow, runToEnd, type Progress, type Steps } from './steps.ts';
