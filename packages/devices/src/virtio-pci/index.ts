export { VirtioPciTransport, type VirtioPciConnections, type VirtioType } from './device.ts';
export type { MessageTarget } from './msix.ts';
export { maximumChain, maximumQueueSize, virtioVendor } from './registers.ts';
export { Virtqueue, type DescriptorChain, type GuestSegment } from './virtqueue.ts';
export { readSegments, segmentBytes, writeSegments } from './segments.ts';
