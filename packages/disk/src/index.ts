export {
  closeStore,
  flushStore,
  readBytes,
  refuseWrite,
  writeBytes,
  type ByteStore,
  type Soon,
} from './byte-store.ts';
export { identify } from './disk-identity.ts';
export { Disk, maximumWaiting, type Completion, type DiskOptions } from './disk.ts';
export { DiskError, type DiskErrorCode } from './error.ts';
export type { DiskFormat, DiskImage } from './image.ts';
export { KeptOverlay } from './kept-overlay.ts';
export { MemoryStore, type MemoryStoreOptions } from './memory-store.ts';
export {
  mostOverlayBytes,
  OverlayImage,
  type DiskChanges,
  type SavedChanges,
} from './overlay-image.ts';
export { RawImage } from './raw-image.ts';
export { advance, runNow, runToEnd, type Progress, type Steps } from './steps.ts';
export { convertDisk } from './convert.ts';
export { findFormat, maximumChain, openImage, type OpenOptions } from './open-image.ts';
export { checkQcow, mostFindings, type CheckResult } from './qcow2/check.ts';
export { createQcow, type CreateOptions } from './qcow2/create.ts';
export { headerAreaBytes, parseHeader, type BackingName, type QcowHeader } from './qcow2/header.ts';
export { AccessHandleStore, type SyncAccessHandle } from './access-handle-store.ts';
export { HttpStore, type Fetch, type FetchResponse, type HttpStoreOptions } from './http-store.ts';
