import { finite, flag, integer, record, type Shape } from '../state-shape.ts';

/** The registers of power management. */
export interface AcpiState {
  /** PM1_STS without the timer's bit, which is worked out. */
  status: number;
  /** PM1_EN. */
  enable: number;
  /** PM1_CNT. */
  control: number;
  /** GPE0_STS. */
  gpeStatus: number;
  /** GPE0_EN. */
  gpeEnable: number;
  /**
   * Half periods of the timer, that is changes of its top bit, up to which its status was cleared.
   */
  clearedHalves: number;
  /** APMC. */
  apmCommand: number;
  /** APMS. */
  apmStatus: number;
  /** Whether the machine sleeps in S3. */
  asleep: boolean;
  /** Whether the clock's interrupt ends that: as PM1_EN says, once it was written. */
  clockWakes: boolean;
}

/** Returns the registers after reset. */
export function powerOnAcpi(sciEnabled: boolean, clearedHalves: number): AcpiState {
  return {
    status: 0,
    enable: 0,
    control: sciEnabled ? 1 : 0,
    gpeStatus: 0,
    gpeEnable: 0,
    clearedHalves,
    apmCommand: 0,
    apmStatus: 0,
    asleep: false,
    clockWakes: true,
  };
}

const byte = integer(0, 0xff);
const word = integer(0, 0xffff);

/** The shape of the saved registers. */
export const acpiShape: Shape<AcpiState> = record<AcpiState>({
  status: word,
  enable: word,
  control: word,
  gpeStatus: word,
  gpeEnable: word,
  clearedHalves: finite(),
  apmCommand: byte,
  apmStatus: byte,
  asleep: flag(),
  clockWakes: flag(),
});
