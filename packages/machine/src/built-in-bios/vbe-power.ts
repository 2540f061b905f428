/** INT 10h, AX = 4F10h: how the display saves power (VBE/PM 1.0). */
import { vgaPort } from '@ringfence/devices';
import type { PortBus } from '@ringfence/devices';

import type { BiosMemory } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { Ebda } from './layout.ts';
import { Result } from './vbe-modes.ts';

/** BH: standby, suspended, off and reduced on can be had. BL: version 3.0. */
const abilities = 0x0f30;
/** The states: on, standby, suspended, off, reduced on. A display that is off shows nothing. */
const states: readonly number[] = [0, 1, 2, 4, 8];
const dark: readonly number[] = [1, 2, 4];
const clocking = 1;
const screenOff = 0x20;

/** Tells what can be had (BL = 0), sets a state (1) or tells it (2), in BH. */
export function servePower(frame: BiosFrame, memory: BiosMemory, ports: PortBus): number {
  ports.writePort(vgaPort.sequencerIndex, 1, clocking);
  const before = ports.readPort(vgaPort.sequencerData, 1);
  if (frame.bl === 0) {
    frame.set('ebx', abilities);
  } else if (frame.bl === 1 && states.includes(frame.bh)) {
    const off = dark.includes(frame.bh) ? screenOff : 0;
    ports.writePort(vgaPort.sequencerData, 1, (before & ~screenOff) | off);
    memory.write8(Ebda.displayPower, frame.bh);
  } else if (frame.bl === 2) {
    // A mode that was set since has turned the display on.
    const state = memory.read8(Ebda.displayPower);
    const isTrue = dark.includes(state) === ((before & screenOff) !== 0);
    frame.set('ebx', ((isTrue ? state : 0) << 8) | frame.bl);
  } else {
    return Result.failed;
  }
  return Result.ok;
}
