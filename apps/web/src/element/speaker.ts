import type { SoundEvent } from '@ringfence/machine';

/** How loud a PC's speaker is, of 1. */
const volume = 0.06;
/** Seconds that the sound is behind the guest, so that changes are there before their time. */
const behind = 0.06;
/** How far the two clocks may drift apart before they are set again, in seconds. */
const mostDrift = 0.25;

/**
 * The PC speaker through the browser's audio: tones of the timer, and the level that a program sets
 * by hand, each at its time.
 *
 * Browsers let no page sound before somebody did something on it: `unlock` is for that.
 */
export class Speaker {
  #context: AudioContext | undefined;
  #tone: OscillatorNode | undefined;
  #toneGain: GainNode | undefined;
  #level: ConstantSourceNode | undefined;
  /** Seconds of the audio clock at the guest's time 0. */
  #origin: number | undefined;
  #muted = false;
  #hertz = 0;

  /** Whether nothing is to be heard. */
  get muted(): boolean {
    return this.#muted;
  }

  /** The tone that is to be heard now, 0 for none. */
  get hertz(): number {
    return this.#hertz;
  }

  /** Switches the sound off or on again. */
  mute(muted: boolean): void {
    this.#muted = muted;
    if (muted) void this.#context?.suspend();
    else this.unlock();
  }

  /** Lets sound be heard from now on; to be called when somebody presses a key or a button. */
  unlock(): void {
    if (!this.#muted && this.#context?.state === 'suspended') void this.#context.resume();
  }

  /** Falls silent: the machine stands still. */
  silence(): void {
    const now = this.#context?.currentTime ?? 0;
    this.#toneGain?.gain.setValueAtTime(0, now);
    this.#level?.offset.setValueAtTime(0, now);
    this.#origin = undefined;
  }

  /** Takes what the speaker did since the last time. */
  play(events: readonly SoundEvent[]): void {
    this.#hertz = events.reduce(
      (hertz, event) => (event.kind === 'tone' ? event.hertz : hertz),
      this.#hertz,
    );
    const context = this.#open();
    if (context.state !== 'running') return;
    for (const event of events) {
      const at = this.#timeOf(context, event.atMs / 1000);
      if (event.kind === 'level') {
        this.#level?.offset.setValueAtTime(event.high ? volume : 0, at);
      } else {
        if (event.hertz > 0) this.#tone?.frequency.setValueAtTime(event.hertz, at);
        this.#toneGain?.gain.setValueAtTime(event.hertz > 0 ? volume : 0, at);
      }
    }
  }

  /** Ends the sound for good. */
  close(): void {
    void this.#context?.close();
    this.#context = undefined;
  }

  #open(): AudioContext {
    if (this.#context !== undefined) return this.#context;
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { type: 'square' });
    const toneGain = new GainNode(context, { gain: 0 });
    const level = new ConstantSourceNode(context, { offset: 0 });
    tone.connect(toneGain).connect(context.destination);
    level.connect(context.destination);
    tone.start();
    level.start();
    this.#context = context;
    this.#tone = tone;
    this.#toneGain = toneGain;
    this.#level = level;
    return context;
  }

  #timeOf(context: AudioContext, seconds: number): number {
    const wanted = context.currentTime + behind - seconds;
    if (this.#origin === undefined || Math.abs(wanted - this.#origin) > mostDrift) {
      this.#origin = wanted;
    }
    return Math.max(context.currentTime, this.#origin + seconds);
  }
}
