import { finite, flag, integer, list, record, type Shape } from '../state-shape.ts';
import * as reg from './registers.ts';
import { emptyVectors, type VectorSet } from './vector-set.ts';

/** The registers of a local APIC. */
export interface LocalApicState {
  /** IA32_APIC_BASE, its two halves. */
  base: number[];
  /** The identifier: 8 bits, or 32 in x2APIC mode. */
  id: number;
  /** TPR. */
  taskPriority: number;
  /** LDR, all of it. */
  logicalDestination: number;
  /** DFR. */
  destinationFormat: number;
  /** SVR. */
  spurious: number;
  inService: VectorSet;
  triggerMode: VectorSet;
  requests: VectorSet;
  /** Errors since the guest last wrote ESR. */
  newErrors: number;
  /** ESR as it reads. */
  errors: number;
  /** ICR, its two halves. */
  command: number[];
  /** The local vector table. */
  lvt: number[];
  /** The levels of LINT0 and LINT1. */
  pins: boolean[];
  /** Whether the guest may end the interrupt in service in its memory. */
  eoiOffered: boolean;
  timer: ApicTimerState;
}

/** The registers of a local APIC's timer. */
export interface ApicTimerState {
  /** One of `timerMode`; 3 is none. */
  mode: number;
  initialCount: number;
  divide: number;
  /** Clock reading at which the count began. */
  startNs: number;
  /** Whether the count goes down. */
  running: boolean;
  /** How many periods since `startNs` have been delivered. */
  delivered: number;
  /** IA32_TSC_DEADLINE, its two halves. */
  deadline: number[];
}

const word = integer(0, 0xffff_ffff);
const vectors = list(word, 8);

const timerShape: Shape<ApicTimerState> = record<ApicTimerState>({
  mode: integer(0, 3),
  initialCount: word,
  divide: integer(0, 0x0b),
  startNs: finite(),
  running: flag(),
  delivered: integer(0, Number.MAX_SAFE_INTEGER),
  deadline: list(word, 2),
});

/** The shape of the saved registers. */
export const localApicShape: Shape<LocalApicState> = record<LocalApicState>({
  base: list(word, 2),
  id: word,
  taskPriority: integer(0, 0xff),
  logicalDestination: word,
  destinationFormat: word,
  spurious: integer(0, reg.spuriousWritable),
  inService: vectors,
  triggerMode: vectors,
  requests: vectors,
  newErrors: integer(0, 0xff),
  errors: integer(0, 0xff),
  command: list(word, 2),
  lvt: list(integer(0, 0x7_ffff), reg.lvtWritable.length),
  pins: list(flag(), 2),
  eoiOffered: flag(),
  timer: timerShape,
});

/** Returns a timer that stands. */
export function powerOnApicTimer(): ApicTimerState {
  return {
    mode: 0,
    initialCount: 0,
    divide: 0,
    startNs: 0,
    running: false,
    delivered: 0,
    deadline: [0, 0],
  };
}

/** Returns the registers after reset, but IA32_APIC_BASE and the pins (SDM 3A 10.4.7.1). */
export function powerOnLocalApic(id: number): Omit<LocalApicState, 'base' | 'pins'> {
  return {
    id,
    taskPriority: 0,
    logicalDestination: 0,
    destinationFormat: 0xffff_ffff,
    spurious: 0xff,
    inService: emptyVectors(),
    triggerMode: emptyVectors(),
    requests: emptyVectors(),
    newErrors: 0,
    errors: 0,
    command: [0, 0],
    lvt: Array.from(reg.lvtWritable, () => reg.lvtMasked),
    eoiOffered: false,
    timer: powerOnApicTimer(),
  };
}
