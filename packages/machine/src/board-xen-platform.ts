/** The PCI device of Xen guests on a PC's hardware: 00:05. */
import { XenPlatform } from '@ringfence/devices';
import type { IdePiix3 } from '@ringfence/devices';

import type { Board } from './board.ts';

const platformDevice = 5;
/** Where its ports and its memory stand without firmware. */
const places = [0xc200, 0xf200_0000] as const;

/** Puts the device on a board; it can take the IDE controller's disks away. */
export function addXenPlatform(board: Board, ide: IdePiix3 | undefined): void {
  const device = new XenPlatform({
    addressSpace: board.pciAddressSpace,
    places,
    unplugDisks: () => ide?.unplugDisks(),
  });
  board.pci.add(platformDevice, 0, board.own('xen-platform', device));
}
