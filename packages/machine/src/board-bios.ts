/** The built-in BIOS on the board: its services behind the hypercalls of its ROM. */
import type { Hypercalls } from '@ringfence/cpu';

import type { Firmware } from './board-firmware.ts';
import type { InterruptControllers } from './board-interrupts.ts';
import type { DriveOptions } from './board-storage.ts';
import type { Board } from './board.ts';
import { BuiltInBios } from './built-in-bios/bios.ts';
import type { BiosDrive } from './built-in-bios/drives.ts';

/**
 * Puts the services of the built-in BIOS before the other hypercalls of a machine that has it, and
 * returns both.
 */
export function addBuiltInBios(
  board: Board & { readonly interrupts: Pick<InterruptControllers, 'pic'> },
  firmware: Firmware,
  drives: readonly DriveOptions[],
  others: Hypercalls,
): Hypercalls {
  if (firmware.builtIn === undefined) {
    return others;
  }
  const bios = new BuiltInBios({
    ...firmware.builtIn,
    board,
    pic: board.interrupts.pic,
    drives: drives.flatMap(biosDrive),
  });
  return {
    get present() {
      return others.present;
    },
    cpuid: (leaf, subleaf) => others.cpuid(leaf, subleaf),
    cpuidFaults: (cpl) => others.cpuidFaults?.(cpl) ?? false,
    shownCpuid: (leaf, subleaf, values) => others.shownCpuid?.(leaf, subleaf, values) ?? values,
    readMsr: (index) => others.readMsr(index),
    writeMsr: (index, low, high) => others.writeMsr(index, low, high),
    forcedPrefix: (linear) => others.forcedPrefix?.(linear) ?? 0,
    hypercall: (registers) => bios.hypercall(registers) || others.hypercall(registers),
  };
}

function biosDrive({ kind, storage, interface: connection }: DriveOptions): readonly BiosDrive[] {
  const seen = connection === 'floppy' ? 'floppy' : kind;
  return storage === undefined || connection === 'xen' || connection === 'ringfence'
    ? []
    : [{ kind: seen, storage }];
}
