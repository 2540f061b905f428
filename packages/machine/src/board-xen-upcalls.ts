/** The ways of upcalls into a Xen guest on a PC's hardware: wires of the chipset, local APIC. */
import type { IrqLine } from '@ringfence/devices';
import type { XenMachine } from '@ringfence/hypercall';

import type { Chipset } from './chipset.ts';

const isaCount = 16;
/** Every local APIC, as the destination of a message. */
const everybody = { xapic: 0xff, x2apic: 0xffff_ffff };

/** Returns what an interface tells of upcalls; `chipset` gives the chips once they are there. */
export function upcallWires(
  chipset: () => Chipset | undefined,
  hasApic: boolean,
): Pick<XenMachine, 'setGsi' | 'setPciPin' | 'sendVector'> {
  // One source of each wire that was ever used.
  const lines = new Map<string, IrqLine>();
  const lineOf = (name: string, make: (chips: Chipset) => IrqLine): IrqLine | undefined => {
    const chips = chipset();
    const line = lines.get(name) ?? (chips && make(chips));
    if (line !== undefined) {
      lines.set(name, line);
    }
    return line;
  };
  return {
    setGsi: (gsi, level) => {
      lineOf(`gsi ${String(gsi)}`, (chips) => {
        return gsi < isaCount ? chips.isaIrq(gsi) : chips.interrupts.ioApic.pin(gsi);
      })?.set(level);
    },
    setPciPin: (device, pin, level) => {
      lineOf(`${String(device)} ${String(pin)}`, (chips) => chips.pciIrq(device, pin))?.set(level);
    },
    ...(hasApic
      ? {
          sendVector: (vector) => {
            const apic = chipset()?.interrupts.localApic;
            const message = { logical: false, mode: 0, vector, level: false };
            return Object.values(everybody).some((destination) => {
              return apic?.receive({ ...message, destination }) === true;
            });
          },
        }
      : {}),
  };
}
