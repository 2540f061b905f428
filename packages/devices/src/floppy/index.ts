export { FloppyController, type FloppyControllerOptions } from './device.ts';
export {
  bytesOf,
  floppyCmosBytes,
  floppyDriveType,
  floppyGeometries,
  type FloppyGeometry,
} from './geometry.ts';
export { geometryOfImage as floppyGeometryOf } from './disk.ts';
export { floppyPort } from './registers.ts';
