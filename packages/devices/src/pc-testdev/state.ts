import { integer, list, record, type Shape } from '../state-shape.ts';
import { testMemoryBytes, testRequestCount } from './registers.ts';

/** The registers of the test device. */
export interface PcTestDeviceState {
  /** The register at ports 0xe0 to 0xe3. */
  register: number;
  /** The interrupt requests that are high, one bit each. */
  requests: number;
  /** The words in memory, up to the last that is not zero. */
  memory: number[];
}

/** The shape of the saved registers. */
export const pcTestDeviceShape: Shape<PcTestDeviceState> = record<PcTestDeviceState>({
  register: integer(0, 0xffff_ffff),
  requests: integer(0, 2 ** testRequestCount - 1),
  memory: list(integer(0, 0xffff_ffff), 0, testMemoryBytes / 4),
});
