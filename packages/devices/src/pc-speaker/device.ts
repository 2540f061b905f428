/** The speaker of a PC: what is to be heard, as a stream of events. */
import type { Clock, DeviceState, Resettable, Saveable } from '../interfaces.ts';
import { openState, saveState } from '../state-shape.ts';
import { highestToneHertz } from './registers.ts';
import { pcSpeakerShape, type PcSpeakerState } from './state.ts';

const stateVersion = 1;

/** Who makes the sound; times are readings of the machine's clock, never decreasing. */
export interface SpeakerSound {
  /** From `atNs` on there is a square wave of `hertz`; 0 is silence. */
  tone(hertz: number, atNs: number): void;
  /** Without a tone, the cone moves out (`true`) or back: sound that a program makes by hand. */
  level(high: boolean, atNs: number): void;
}

/** What the 8254 and port 0x61 do to the speaker. */
export interface SpeakerDrive {
  /** Whether the wave gets through to the speaker. */
  readonly on: boolean;
  /** The frequency of OUT 2 where it is a wave, else 0. */
  readonly hertz: number;
  /** The level of OUT 2. */
  readonly high: boolean;
}

/** What a speaker is connected to. */
export interface PcSpeakerOptions {
  readonly clock: Clock;
  readonly sound: SpeakerSound;
}

/** A speaker; a `Pit8254` drives it. */
export class PcSpeaker implements Saveable, Resettable {
  readonly #clock: Clock;
  readonly #sound: SpeakerSound;
  #state: PcSpeakerState = { hertz: 0, high: false };

  /** Connects a speaker, which is silent. */
  constructor(options: PcSpeakerOptions) {
    this.#clock = options.clock;
    this.#sound = options.sound;
  }

  /** The frequency of the tone that is heard, 0 for none. */
  get hertz(): number {
    return this.#state.hertz;
  }

  /** Takes note of what drives the speaker; only changes are passed on. */
  drive({ on, hertz, high }: SpeakerDrive): void {
    const state = this.#state;
    const atNs = this.#clock.now();
    const tone = on && hertz <= highestToneHertz ? hertz : 0;
    if (tone !== state.hertz) {
      state.hertz = tone;
      this.#sound.tone(tone, atNs);
    }
    // A wave too high to be heard holds the cone half out, which sounds like nothing.
    const level = on && tone === 0 && hertz === 0 && high;
    if (level !== state.high) {
      state.high = level;
      this.#sound.level(level, atNs);
    }
  }

  /** Falls silent. */
  reset(): void {
    this.drive({ on: false, hertz: 0, high: false });
  }

  /** Returns what the speaker does. */
  save(): DeviceState {
    return saveState('pc-speaker', stateVersion, pcSpeakerShape, this.#state);
  }

  /** Takes over what a speaker did, and has it heard from now on. */
  restore(state: unknown): void {
    const { hertz, high } = openState(state, 'pc-speaker', stateVersion, pcSpeakerShape);
    this.drive({ on: hertz > 0 || high, hertz, high });
  }
}
