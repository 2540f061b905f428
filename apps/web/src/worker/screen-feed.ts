import type { Machine } from '@ringfence/machine';

import type { Post } from './session.ts';

/** Time between two pictures, in milliseconds: 30 in a second. */
const frameMs = 33;

/** Sends pictures of a machine's screen to the page while somebody looks at it. */
export class ScreenFeed {
  readonly #post: Post;
  #machine: Machine | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #revision = -1;

  constructor(post: Post) {
    this.#post = post;
  }

  /** Says whose screen it is. */
  connect(machine: Machine): void {
    this.#machine = machine;
    this.#revision = -1;
  }

  /** Begins or stops to send pictures; the first is sent whatever it shows. */
  watch(watched: boolean): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#revision = -1;
    if (watched) {
      this.#timer = setInterval(() => {
        this.#send();
      }, frameMs);
      this.#send();
    }
  }

  #send(): void {
    const screen = this.#machine?.screen;
    if (screen === undefined || screen.revision === this.#revision) return;
    this.#revision = screen.revision;
    const { width, height, rgba } = screen.image();
    // A copy of its own, since the machine may use its array again.
    const pixels = new Uint8ClampedArray(rgba);
    this.#post({ kind: 'screen', frame: { width, height, pixels } }, [pixels.buffer]);
  }
}
