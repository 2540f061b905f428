/**
 * The register layout of the 8254 (Intel 8254 data sheet, order 231164, figures 7 to 12) and of the
 * NMI status and control register of the 82371AB (order 290562, section 4.2.6).
 *
 *     0x40..0x42  counters 0..2
 *     0x43        control word, write only
 *
 *     control word       7..6 counter | 5..4 access | 3..1 mode | 0 BCD
 *       access           0 latch the count | 1 low byte | 2 high byte | 3 low, then high
 *     read-back command  7..6 = 3 | 5 count# | 4 status# | 3..1 counters 2..0 | 0 = 0
 *     status             7 OUT | 6 null count | 5..4 access | 3..1 mode | 0 BCD
 *
 *     0x61 NMISC  7 SERR# | 6 IOCHK# | 5 OUT 2 | 4 refresh
 *                 3 IOCHK# off | 2 SERR# off | 1 speaker | 0 gate 2
 */

/** The frequency at which the counters of a PC count: a third of the 3.579545 MHz colour burst. */
export const pitHertz = 1_193_182;

/**
 * How long edges of OUT 0 that came while the host was late follow each other, some 40 us: a host
 * that sleeps for a millisecond at least is awake again before the next regular one.
 */
export const owedTicks = 48;
/** Of a longer delay than this, half a second, what came before is lost. */
export const mostOwedTicks: number = pitHertz / 2;

/** The ports of the timer. */
export const pitPort = { counter0: 0x40, control: 0x43, systemControl: 0x61 } as const;

/** The value of bits 7..6 of the control word that makes it a read-back command. */
export const readBack = 3;

/** Access modes, bits 5..4 of the control word. */
export const access = { latch: 0, low: 1, high: 2, both: 3 } as const;

/** Read-back: 0 in this bit latches the counts. */
export const readBackNoCount = 0x20;
/** Read-back: 0 in this bit latches the statuses. */
export const readBackNoStatus = 0x10;

/** Status: level of OUT. */
export const statusOut = 0x80;
/** Status: a count has been written that is not yet in the counting element. */
export const statusNullCount = 0x40;

/** Port 0x61: the gate of counter 2. */
export const systemGate2 = 0x01;
/** Port 0x61: OUT 2 drives the speaker. */
export const systemSpeaker = 0x02;
/** Port 0x61: the bits that can be written. */
export const systemWritable = 0x0f;
/** Port 0x61: toggles with each memory refresh. */
export const systemRefresh = 0x10;
/** Port 0x61: level of OUT 2. */
export const systemOut2 = 0x20;

/**
 * Counter ticks between two memory refreshes: 15 microseconds, which BIOS programs into counter 1.
 */
export const refreshTicks = 18;

/** Port 0x61: errors that ask for an NMI. */
export const systemErrors = { channel: 0x40, system: 0x80 } as const;

/** Returns the errors whose reports the written bits 3 (IOCHK#) and 2 (SERR#) switch off. */
export function clearedErrors(value: number): number {
  return (
    ((value & 0x08) !== 0 ? systemErrors.channel : 0) |
    ((value & 0x04) !== 0 ? systemErrors.system : 0)
  );
}
