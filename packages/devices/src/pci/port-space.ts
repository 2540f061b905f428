import type { AccessSize, PortDevice } from '../interfaces.ts';
import type { PortBus } from '../port-bus.ts';
import type { PciMapping } from './function.ts';

/**
 * Maps the ports of a base address register on a `PortBus`.
 *
 * The device is given port numbers that count from `first`; ports that others claimed before stay
 * theirs.
 */
export function mapPciPorts(
  bus: PortBus,
  first: number,
  count: number,
  device: PortDevice,
): PciMapping {
  const relative: PortDevice = {
    readPort: (port: number, size: AccessSize) => device.readPort(port - first, size),
    writePort: (port: number, size: AccessSize, value: number) => {
      device.writePort(port - first, size, value);
    },
  };
  return bus.claim({ first, count, device: relative, widest: 4, overlap: 'yield' });
}
