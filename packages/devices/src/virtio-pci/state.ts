import { pciConfigShape, type PciConfigState } from '../pci/function.ts';
import { flag, integer, list, record, type Shape } from '../state-shape.ts';
import { maximumQueueSize, noVector } from './registers.ts';

/** The registers of a queue. */
export interface VirtqueueState {
  /** The number of entries, a power of two. */
  size: number;
  enabled: boolean;
  /** Its rings broke the rules. */
  broken: boolean;
  vector: number;
  /** Guest-physical addresses of the three areas. */
  descriptors: number;
  driverArea: number;
  deviceArea: number;
  /** The next entry of the available ring to take. */
  availableIndex: number;
  /** The next entry of the used ring to fill. */
  usedIndex: number;
}

/** A vector of the MSI-X table. */
export interface MsixEntryState {
  addressLow: number;
  addressHigh: number;
  data: number;
  masked: boolean;
  pending: boolean;
}

/** The registers of the transport. */
export interface VirtioPciState {
  config: PciConfigState;
  status: number;
  isr: number;
  deviceFeatureSelect: number;
  driverFeatureSelect: number;
  /** The features that the driver took: low and high word. */
  features: number[];
  configVector: number;
  queueSelect: number;
  queues: VirtqueueState[];
  msix: MsixEntryState[];
}

const word = integer(0, 0xffff_ffff);
const half = integer(0, 0xffff);
// An address of 64 bits as a double; what is past 4 GiB is nowhere.
const address = integer(0, 2 ** 53 - 1);

/** Returns a queue's registers after reset. */
export function resetQueue(): VirtqueueState {
  return {
    size: maximumQueueSize,
    enabled: false,
    broken: false,
    vector: noVector,
    descriptors: 0,
    driverArea: 0,
    deviceArea: 0,
    availableIndex: 0,
    usedIndex: 0,
  };
}

/** The shape of the saved registers of a transport with a number of queues and of vectors. */
export function virtioPciShape(queues: number, vectors: number): Shape<VirtioPciState> {
  const queue = record<VirtqueueState>({
    size: powerOfTwo,
    enabled: flag(),
    broken: flag(),
    vector: half,
    descriptors: address,
    driverArea: address,
    deviceArea: address,
    availableIndex: half,
    usedIndex: half,
  });
  const entry = record<MsixEntryState>({
    addressLow: word,
    addressHigh: word,
    data: word,
    masked: flag(),
    pending: flag(),
  });
  return record<VirtioPciState>({
    config: pciConfigShape,
    status: integer(0, 0xff),
    isr: integer(0, 3),
    deviceFeatureSelect: word,
    driverFeatureSelect: word,
    features: list(word, 2),
    configVector: half,
    queueSelect: half,
    queues: list(queue, queues),
    msix: list(entry, vectors),
  });
}

function powerOfTwo(value: unknown, path: string): number {
  const size = integer(1, maximumQueueSize)(value, path);
  return Number.isInteger(Math.log2(size)) ? size : integer(1, 0)(value, `${path} (power of two)`);
}
