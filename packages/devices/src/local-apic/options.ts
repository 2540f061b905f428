import type { Clock, Timers } from '../interfaces.ts';
import type { DeliveryOptions } from './delivery.ts';
import type { TscSource } from './timer.ts';

/** What a local APIC is connected to. */
export interface LocalApicOptions extends DeliveryOptions {
  /** Its identifier, 0 to 254. */
  readonly id: number;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The APIC page has moved; `undefined` when it is off, or the APIC is in x2APIC mode. */
  readonly moved?: (address: number | undefined) => void;
  /** The time-stamp counter; without it there is no TSC-deadline mode. */
  readonly tsc?: TscSource;
  /** The frequency of the timer before its divider. */
  readonly timerHertz?: number;
  /** Whether the processor has x2APIC mode; false by default. */
  readonly x2Apic?: boolean;
  /** Whether it is the boot processor; true by default. */
  readonly bootProcessor?: boolean;
}
