export { PciBus, type PciBusOptions } from './device.ts';
export {
  pciConfigShape,
  PciConfigSpace,
  type PciAddressSpace,
  type PciBar,
  type PciConfigState,
  type PciFunction,
  type PciFunctionOptions,
  type PciMapping,
} from './function.ts';
export { HostBridge, type HostBridgeOptions, type ShadowSegment } from './host-bridge.ts';
export { IsaBridge, pirqOf, type IsaBridgeOptions } from './isa-bridge.ts';
export { mapPciPorts } from './port-space.ts';
export {
  PowerManagementFunction,
  type PowerManagementFunctionOptions,
} from './power-management.ts';
export { pciCommand, pciPort, pciRegister } from './registers.ts';
