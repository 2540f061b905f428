/**
 * The PCI transport and the split virtqueue of virtio 1.x (OASIS Virtual I/O Device 1.2, sections
 * 2.1, 2.7 and 4.1).
 *
 *     base address 4: memory, 32 KiB
 *     0x0000 common configuration (4.1.4.3)
 *     0x1000 interrupt status: 0 queue | 1 configuration; a read clears it (4.1.4.5)
 *     0x2000 configuration of the device (4.1.4.6)
 *     0x3000 notifications, 4 bytes for each queue (4.1.4.4)
 *     0x4000 MSI-X table
 *     0x5000 MSI-X pending bits
 *
 *     common configuration
 *     0x00 device feature select   0x04 device features (read)
 *     0x08 driver feature select   0x0c driver features
 *     0x10 configuration vector w  0x12 queues w (read)
 *     0x14 device status b         0x15 configuration generation b (read)
 *     0x16 queue select w          0x18 queue size w     0x1a queue vector w   0x1c queue enable w
 *     0x1e queue notify offset w   0x20 descriptors q    0x28 driver area q    0x30 device area q
 *
 *     descriptor (2.7.5)           0 address q | 8 length d | 12 flags w | 14 next w
 *     driver area, available ring  0 flags w | 2 index w | 4 head w ... | used event w
 *     device area, used ring       0 flags w | 2 index w | 4 (id d, length d) ... | avail event w
 */

/** The vendor of virtio devices (4.1.2). */
export const virtioVendor = 0x1af4;
/** Virtio device types follow this device number (4.1.2.1). */
export const virtioDeviceBase = 0x1040;

/** Offsets within the memory of base address 4. */
export const virtioRegion = {
  common: 0x0000,
  isr: 0x1000,
  device: 0x2000,
  notify: 0x3000,
  table: 0x4000,
  pending: 0x5000,
  size: 0x8000,
} as const;
/** The number of the base address register. */
export const virtioBar = 4;
/** The number of bytes between the notification addresses of two queues. */
export const notifyMultiplier = 4;

/** Offsets within the common configuration. */
export const commonField = {
  deviceFeatureSelect: 0x00,
  deviceFeature: 0x04,
  driverFeatureSelect: 0x08,
  driverFeature: 0x0c,
  configVector: 0x10,
  queueCount: 0x12,
  status: 0x14,
  generation: 0x15,
  queueSelect: 0x16,
  queueSize: 0x18,
  queueVector: 0x1a,
  queueEnable: 0x1c,
  queueNotifyOffset: 0x1e,
  descriptors: 0x20,
  driverArea: 0x28,
  deviceArea: 0x30,
  end: 0x38,
} as const;

/** Device status bits (2.1). */
export const virtioStatus = {
  acknowledge: 0x01,
  driver: 0x02,
  driverOk: 0x04,
  featuresOk: 0x08,
  needsReset: 0x40,
  failed: 0x80,
} as const;

/** Reserved feature bits (6) that concern every device: bits of the low and of the high word. */
export const virtioFeature = {
  lowIndirect: 0x1000_0000,
  lowEventIndex: 0x2000_0000,
  highVersion1: 1,
} as const;

/** Interrupt status bits. */
export const virtioIsr = { queue: 0x01, configuration: 0x02 } as const;

/** A vector that means no interrupt (4.1.5.1.2). */
export const noVector = 0xffff;

/** Descriptor flags (2.7.5). */
export const descriptorFlag = { next: 1, write: 2, indirect: 4 } as const;
/** The number of bytes of a descriptor. */
export const descriptorBytes = 16;
/** Available ring flag: the driver wants no interrupts (2.7.6). */
export const availableNoInterrupt = 1;

/** The largest queue that is offered. */
export const maximumQueueSize = 256;
/** The most descriptors that are followed in one chain, those of an indirect table included. */
export const maximumChain = 1024;

/** Kinds of the vendor's capabilities (4.1.4). */
export const capabilityType = { common: 1, notify: 2, isr: 3, device: 4, pciAccess: 5 } as const;
/** Where the capabilities stand in configuration space. */
export const capabilityAt = {
  pointer: 0x34,
  msix: 0x40,
  common: 0x50,
  isr: 0x60,
  device: 0x70,
  notify: 0x80,
  pciAccess: 0x94,
  pciAccessData: 0xa4,
} as const;
