/** The common configuration of a virtio device (virtio 1.2, section 4.1.4.3), field by field. */
import type { AccessSize } from '../interfaces.ts';
import * as reg from './registers.ts';
import type { VirtioPciState, VirtqueueState } from './state.ts';

/** What the common configuration asks of the transport. */
export interface CommonConfigHost {
  /** The device's features: low and high word. */
  readonly features: readonly [low: number, high: number];
  /** The driver wrote the device status. */
  statusWritten(value: number): void;
  /** The driver wrote a vector: returns it, or `noVector` where there is no such vector. */
  vectorWritten(vector: number): number;
  /** The driver enabled a queue. */
  queueEnabled(): void;
}

const field = reg.commonField;
const twoTo32 = 2 ** 32;
/** Addresses are held as doubles; bits above are nowhere anyhow. */
const highMask = 0x1f_ffff;

/** Reads a field; a part of a field reads as the field shifted. */
export function readCommon(
  state: VirtioPciState,
  host: CommonConfigHost,
  offset: number,
  size: AccessSize,
): number {
  const start = fieldAt(offset);
  const value = fieldValue(state, host, start);
  const shifted = Math.floor(value / 2 ** (8 * (offset - start)));
  return size === 4 ? shifted % twoTo32 : shifted % 2 ** (8 * size);
}

/**
 * Writes a field; accesses are of the field's size, or of its halves for one of 64 bits
 * (section 4.1.3.1), and others are ignored.
 */
export function writeCommon(
  state: VirtioPciState,
  host: CommonConfigHost,
  offset: number,
  size: AccessSize,
  value: number,
): void {
  const queue = state.queues[state.queueSelect];
  const isQueueField = offset >= field.queueSize;
  if (size !== widthOf(offset)) return;
  if (isQueueField) {
    if (queue !== undefined) writeQueue(queue, host, offset, value);
    return;
  }
  switch (offset) {
    case field.deviceFeatureSelect:
      state.deviceFeatureSelect = value;
      break;
    case field.driverFeatureSelect:
      state.driverFeatureSelect = value;
      break;
    case field.driverFeature:
      // Features stand still once they are agreed on (section 3.1.1).
      if (state.driverFeatureSelect < 2 && (state.status & reg.virtioStatus.featuresOk) === 0) {
        state.features[state.driverFeatureSelect] = value;
      }
      break;
    case field.configVector:
      state.configVector = host.vectorWritten(value);
      break;
    case field.status:
      host.statusWritten(value);
      break;
    case field.queueSelect:
      state.queueSelect = value;
      break;
    default:
      break;
  }
}

function writeQueue(
  queue: VirtqueueState,
  host: CommonConfigHost,
  offset: number,
  value: number,
): void {
  if (offset === field.queueVector) {
    queue.vector = host.vectorWritten(value);
    return;
  }
  if (queue.enabled) return;
  if (offset === field.queueSize) {
    const isSize = value >= 1 && value <= reg.maximumQueueSize;
    if (isSize && Number.isInteger(Math.log2(value))) queue.size = value;
  } else if (offset === field.queueEnable) {
    if (value === 1) {
      queue.enabled = true;
      host.queueEnabled();
    }
  } else if (offset >= field.descriptors && offset < field.driverArea) {
    queue.descriptors = half(queue.descriptors, offset, value);
  } else if (offset >= field.driverArea && offset < field.deviceArea) {
    queue.driverArea = half(queue.driverArea, offset, value);
  } else if (offset >= field.deviceArea && offset < field.end) {
    queue.deviceArea = half(queue.deviceArea, offset, value);
  }
}

function half(address: number, offset: number, value: number): number {
  const low = address % twoTo32;
  return offset % 8 === 0 ? address - low + value : (value & highMask) * twoTo32 + low;
}

function fieldValue(state: VirtioPciState, host: CommonConfigHost, start: number): number {
  const queue = state.queues[state.queueSelect];
  switch (start) {
    case field.deviceFeatureSelect:
      return state.deviceFeatureSelect;
    case field.deviceFeature:
      return (host.features[state.deviceFeatureSelect] ?? 0) >>> 0;
    case field.driverFeatureSelect:
      return state.driverFeatureSelect;
    case field.driverFeature:
      return state.features[state.driverFeatureSelect] ?? 0;
    case field.configVector:
      return state.configVector;
    case field.queueCount:
      return state.queues.length;
    case field.status:
      return state.status;
    case field.queueSelect:
      return state.queueSelect;
    case field.queueSize:
      return queue?.size ?? 0;
    case field.queueVector:
      return queue?.vector ?? reg.noVector;
    case field.queueEnable:
      return queue?.enabled === true ? 1 : 0;
    case field.queueNotifyOffset:
      return queue === undefined ? 0 : state.queueSelect;
    case field.descriptors:
      return queue?.descriptors ?? 0;
    case field.driverArea:
      return queue?.driverArea ?? 0;
    case field.deviceArea:
      return queue?.deviceArea ?? 0;
    default:
      return 0; // Configuration generation too: no configuration here changes by itself.
  }
}

/** Returns where the field begins that `offset` lies in. */
function fieldAt(offset: number): number {
  if (offset >= field.descriptors) return offset & ~7;
  if (offset === field.status || offset === field.generation) return offset;
  return offset < field.configVector ? offset & ~3 : offset & ~1;
}

function widthOf(offset: number): number {
  if (offset === field.status || offset === field.generation) return 1;
  return offset < field.configVector || offset >= field.descriptors ? 4 : 2;
}
