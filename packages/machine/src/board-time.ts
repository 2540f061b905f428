/**
 * What counts and keeps the time on a PC's board: the HPET, the 8254 with the speaker, the RTC; and
 * the non-maskable interrupt, whose switches are registers of theirs.
 *
 *     errors of the board -> port 0x61 -> not masked by bit 7 of port 0x70 -> LINT1 -> NMI
 */
import { CmosRtc, Hpet, hpetAddress, PcSpeaker, Pit8254, systemErrors } from '@ringfence/devices';
import type { IoApic, IrqLine, SpeakerSound } from '@ringfence/devices';

import type { Board } from './board.ts';

/** What the time chips are connected to. */
export interface TimeConnections {
  readonly ioApic: IoApic;
  /** The wire of the board's non-maskable interrupt. */
  readonly nmi: IrqLine;
  /** Who is told of the clock's interrupt beside the interrupt controllers. */
  readonly clockInterrupt: IrqLine;
  /** Who makes the speaker's sound. */
  readonly sound: SpeakerSound;
  /** Bytes of CMOS RAM. */
  readonly cmos: Readonly<Record<number, number>>;
}

/** The time chips of a board. */
export interface TimeChips {
  /** The clock, and the RAM that tells firmware of the board. */
  readonly cmos: CmosRtc;
  /** Reports an error of an ISA card, as the NMI button of a server does. */
  reportChannelError(): void;
}

const pageBytes = 4096;

/** Puts the time chips on a board; the HPET first, whose state says what the others drive. */
export function addTime(board: Board, connections: TimeConnections): TimeChips {
  const { clock, timers, wallClock } = board;
  const { ioApic, sound, cmos: bytes } = connections;
  const irqs = addHpet(board, ioApic);
  const nmi = new GatedLine(connections.nmi);
  const speaker = board.own('pc-speaker', new PcSpeaker({ clock, sound }));
  const pit = board.own('pit', new Pit8254({ clock, timers, irq: irqs.timer, speaker, nmi }));
  const nmiMask = {
    set: (masked: boolean): void => {
      nmi.open(!masked);
    },
  };
  const irq = {
    set: (level: boolean): void => {
      irqs.clock.set(level);
      connections.clockInterrupt.set(level);
    },
  };
  const rtc = new CmosRtc({ clock, timers, wallClock, irq, bytes, nmiMask });
  return {
    cmos: board.own('cmos-rtc', rtc),
    reportChannelError: () => {
      pit.reportError(systemErrors.channel);
    },
  };
}

/** The wires of requests 0 and 8 for the chips that have them until an HPET takes their place. */
interface ReplaceableIrqs {
  /** For the 8254. */
  readonly timer: IrqLine;
  /** For the RTC. */
  readonly clock: IrqLine;
}

/** Puts an HPET on the board, before the chips that it replaces. */
function addHpet(board: Board, ioApic: IoApic): ReplaceableIrqs {
  const timer = new GatedLine(board.isaIrq(0));
  const clock = new GatedLine(board.isaIrq(8));
  const hpet = new Hpet({
    clock: board.clock,
    timers: board.timers,
    input: (index) => ioApic.pin(index),
    timerIrq: board.isaIrq(0),
    clockIrq: board.isaIrq(8),
    replaced: (on) => {
      timer.open(!on);
      clock.open(!on);
    },
  });
  board.own('hpet', hpet);
  board.memory.mapMmio(hpetAddress, pageBytes, hpet);
  return { timer, clock };
}

/** A wire that can be cut; closed again, it carries the level that its source has by then. */
class GatedLine implements IrqLine {
  readonly #target: IrqLine;
  #level = false;
  #open = true;

  constructor(target: IrqLine) {
    this.#target = target;
  }

  set(level: boolean): void {
    this.#level = level;
    this.#target.set(this.#open && level);
  }

  open(open: boolean): void {
    if (open !== this.#open) {
      this.#open = open;
      this.#target.set(open && this.#level);
    }
  }
}
