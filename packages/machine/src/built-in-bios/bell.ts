/**
 * The bell: BEL in text sounds the speaker for a moment, and the caller waits for its end (IBM AT
 * Technical Reference, BIOS listing, "BEEP").
 *
 * Until then the saved registers are marked where ESP stands, which POPAD leaves alone, so that a
 * service that is called again does not write its text a second time.
 */
import type { Clock, PortBus } from '@ringfence/devices';

import type { BiosBoard } from './bios-memory.ts';
import type { BiosFrame } from './frame.ts';
import { Outcome } from './layout.ts';
import type { OutcomeValue } from './layout.ts';

/** "BEL", and in the lowest bits what port 61h had. */
const mark = 0x4c45_4200;
const speakerPort = 0x61;
const speakerBits = 3;
/** 896 Hz, and how long they are heard. */
const divisor = 1331;
const bellNs = 200_000_000;

/** The speaker, as text rings it. */
export class Bell {
  readonly #ports: PortBus;
  readonly #clock: Clock;
  #untilNs = 0;

  /** Rings on a board. */
  constructor(board: BiosBoard) {
    this.#ports = board.ports;
    this.#clock = board.clock;
  }

  /** Begins to ring for the caller with these registers. */
  ring(frame: BiosFrame): OutcomeValue {
    const ports = this.#ports;
    const before = ports.readPort(speakerPort, 1);
    ports.writePort(0x43, 1, 0xb6);
    ports.writePort(0x42, 1, divisor & 0xff);
    ports.writePort(0x42, 1, divisor >> 8);
    ports.writePort(speakerPort, 1, before | speakerBits);
    frame.set32('esp', mark | (before & speakerBits));
    this.#untilNs = this.#clock.now() + bellNs;
    return Outcome.again;
  }

  /** Goes on ringing if it does for this caller; nothing if it does not. */
  goOn(frame: BiosFrame): OutcomeValue | undefined {
    const marked = frame.get32('esp');
    if ((marked & ~speakerBits) !== mark) {
      return undefined;
    }
    const now = this.#clock.now();
    // A clock that began anew, in a machine that was restored, does not make it longer.
    if (now < this.#untilNs && now >= this.#untilNs - bellNs) {
      return Outcome.again;
    }
    const ports = this.#ports;
    const others = ports.readPort(speakerPort, 1) & ~speakerBits;
    ports.writePort(speakerPort, 1, others | (marked & speakerBits));
    frame.set32('esp', 0);
    return Outcome.done;
  }
}
