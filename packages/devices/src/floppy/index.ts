export { FloppyController, type FloppyControllerOptions } from './device.ts';
export {
  bytesOf,
  floppyCmosBytes,
  floppyDriveType,
  floppyGeometries,
  floppyGeometry,
  smallestFloppyGeometry,
  type FloppyGeometry,
} from './geometry.ts';
export { floppyPort } from './registers.ts';
