/**
 * ACPI's S3: only memory, the clock and power management have power, until the clock's alarm or the
 * power button wakes the machine (ACPI 2.0c, 7.3.4.4, 15.1.3).
 *
 * It then begins as after a reset, and firmware goes on at the waking vector that the guest has
 * left in the FACS: the shutdown status in CMOS RAM tells it so, as QEMU tells SeaBIOS.
 */
import { statusWake } from './built-in-bios/shutdown-text.ts';
import type { Pc } from './compose.ts';
import { shutdownStatus } from './processor-reset.ts';
import type { LoopCpu } from './run-loop.ts';

/** Serves what power management asks for; the machine goes on. */
export function sleepOrWake({ cpu, chipset, hypercalls }: Pc, kind: 'sleep' | 'wake'): true {
  if (kind === 'sleep') {
    chipset.powerDown();
    chipset.time.cmos.setByte(shutdownStatus, statusWake);
  }
  // What wakes may come before anybody knew of the sleep.
  if (!chipset.asleep) {
    hypercalls.reset();
    cpu.reset();
  }
  return true;
}

/** Returns a machine's processor, which waits while the machine sleeps. */
export function sleepingCpu({ cpu, chipset }: Pc): LoopCpu {
  return {
    get instructions() {
      return cpu.instructions;
    },
    get canWake() {
      return chipset.asleep || cpu.canWake;
    },
    run: (budget) => (chipset.asleep ? 'halt' : cpu.run(budget)),
  };
}
