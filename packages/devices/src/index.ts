export { DeviceError, type DeviceErrorCode } from './error.ts';
export type {
  AccessSize,
  ByteSink,
  Clock,
  DeviceState,
  DmaMemory,
  FixedPortDevice,
  IrqLine,
  MmioDevice,
  PortDevice,
  PortWindow,
  Resettable,
  Saveable,
  StateValue,
  Timer,
  Timers,
  WallClock,
} from './interfaces.ts';
export { ManualClock, maximumFirings } from './manual-clock.ts';
export { maximumClaims, PortBus, portCount, type PortClaim, type PortRange } from './port-bus.ts';
export { maximumSources, SharedLine } from './shared-line.ts';
export {
  finite,
  flag,
  integer,
  list,
  nullable,
  oneOf,
  openState,
  record,
  saveState,
  type Shape,
} from './state-shape.ts';
export { nanosecondsPerSecond, TickRate } from './tick-rate.ts';

export { elcrWritable, ocw2Command, Pic8259Chip, Pic8259Pair, picPort } from './pic-8259/index.ts';
export { spuriousInput, type Pic8259PairOptions } from './pic-8259/index.ts';
export {
  apicBase,
  apicMsr,
  apicRegister,
  apicTimerHertz,
  deliveryMode,
  leastPeriodNs,
  LocalApic,
  localApicAddress,
  messageSignalled,
  type ApicBus,
  type ApicMessage,
  type EoiAssist,
  type ExternalController,
  type LocalApicOptions,
  type TscSource,
} from './local-apic/index.ts';
export {
  IoApic,
  ioApicAddress,
  ioApicOffset,
  ioApicPins,
  ioApicRegister,
  type IoApicOptions,
} from './io-apic/index.ts';
export {
  Hpet,
  hpetAddress,
  hpetHertz,
  hpetInputs,
  hpetOffset,
  type HpetOptions,
} from './hpet/index.ts';
export {
  Dma8237Pair,
  dmaPort,
  type Dma8237PairOptions,
  type DmaChannel,
  type DmaMove,
} from './dma-8237/index.ts';
export {
  floppyCmosBytes,
  FloppyController,
  floppyDriveType,
  floppyGeometries,
  floppyGeometryOf,
  floppyPort,
  type FloppyControllerOptions,
  type FloppyGeometry,
} from './floppy/index.ts';
export { Pit8254, pitHertz, pitPort, systemErrors, type Pit8254Options } from './pit-8254/index.ts';
export {
  highestToneHertz,
  PcSpeaker,
  type PcSpeakerOptions,
  type SpeakerDrive,
  type SpeakerSound,
} from './pc-speaker/index.ts';
export {
  fcr,
  ier,
  iir,
  lcr,
  lsr,
  mcr,
  msr,
  Uart16550,
  uartHertz,
  uartRegister,
  type Uart16550Options,
} from './uart-16550/index.ts';
export {
  CmosRtc,
  memorySizeBytes,
  rtcPort,
  rtcRegister,
  type CmosRtcOptions,
} from './cmos-rtc/index.ts';
export { fastA20, fastInit, Port92, port92Address, type Port92Options } from './port-92/index.ts';
export { PostPort, postPortAddress, type PostPortOptions } from './post-port/index.ts';
export {
  debugExitAddress,
  debugExitStatus,
  IsaDebugExit,
  type IsaDebugExitOptions,
} from './isa-debug-exit/index.ts';
export {
  DebugConsole,
  debugConsoleAddress,
  firmwareConsoleAddress,
  type DebugConsoleOptions,
} from './debug-console/index.ts';
export {
  FwCfg,
  dmaControl as fwCfgDmaControl,
  fwCfgKey,
  fwCfgPort,
  itemNumber,
  itemText,
  type FwCfgFile,
  type FwCfgOptions,
} from './fw-cfg/index.ts';
export {
  HostBridge,
  IsaBridge,
  mapPciPorts,
  PciBus,
  pciCommand,
  pciConfigShape,
  PciConfigSpace,
  pciPort,
  pciRegister,
  pirqOf,
  PowerManagementFunction,
  type HostBridgeOptions,
  type IsaBridgeOptions,
  type PciAddressSpace,
  type PciBar,
  type PciBusOptions,
  type PciConfigState,
  type PciFunction,
  type PciFunctionOptions,
  type PciMapping,
  type PowerManagementFunctionOptions,
  type ShadowSegment,
} from './pci/index.ts';
export {
  acpiDisable,
  acpiEnable,
  AcpiPowerManagement,
  aml,
  apmPort,
  buildAcpiTables,
  checksum,
  pmTimerHertz,
  sciIrq,
  type AcpiPowerManagementOptions,
  type AcpiTables,
  type AcpiTablesOptions,
  type DsdtOptions,
  type MadtOptions,
} from './acpi/index.ts';
export {
  I8042,
  i8042Port,
  keyCodes,
  set2Bytes,
  translateToSet1,
  type I8042Options,
} from './i8042/index.ts';
export {
  codePage437,
  edidBlock,
  textStoreBytes,
  vbeIdentity,
  vbeRegister,
  Vga,
  VgaFunction,
  vgaPort,
  type TextCursor,
  type TextGeometry,
  type TextScreen,
  type VgaFunctionOptions,
  type VgaImage,
  type VgaOptions,
  type VgaPlaces,
  type VgaWindow,
} from './vga/index.ts';
export { sectorBytes, type BlockStorage } from './block-storage.ts';
export {
  maximumChain,
  maximumQueueSize,
  readSegments,
  segmentBytes,
  VirtioPciTransport,
  virtioVendor,
  Virtqueue,
  writeSegments,
  type DescriptorChain,
  type GuestSegment,
  type MessageTarget,
  type VirtioPciConnections,
  type VirtioType,
} from './virtio-pci/index.ts';
export {
  blockFeature,
  blockRequest,
  blockStatus,
  maximumRequestBytes,
  VirtioBlock,
  type VirtioBlockOptions,
} from './virtio-block/index.ts';
export {
  PcTestDevice,
  testMemoryAddress,
  testMemoryBytes,
  type PcTestDeviceOptions,
} from './pc-testdev/index.ts';
export { PciTestDevice, type PciTestDeviceOptions } from './pci-testdev/index.ts';
export { VirtioConsole, type VirtioConsoleOptions } from './virtio-console/index.ts';
export { VirtioEntropy, type VirtioEntropyOptions } from './virtio-entropy/index.ts';
export {
  ataCommand,
  IdePiix3,
  ideStatus,
  type IdeDriveOptions,
  type IdePiix3Options,
} from './ide-piix3/index.ts';
export { XenPlatform, type XenPlatformOptions } from './xen-platform/index.ts';
