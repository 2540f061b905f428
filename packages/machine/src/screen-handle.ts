import type { Screen, ScreenImage } from './api.ts';

/** A display, as far as the screen needs it. */
export interface ScreenSource {
  /** A number that is another one when the picture may have changed since it was read last. */
  readonly revision: number;
  /** Returns the rows of the text screen; none in a graphics mode. */
  text(): readonly string[];
  /** Returns the picture on the screen. */
  image(): ScreenImage;
}

/** The screen, seen from outside the machine; empty once the machine is gone. */
export class ScreenHandle implements Screen {
  readonly #source: () => ScreenSource | undefined;

  /** Makes a handle; `source` returns nothing once the machine is disposed. */
  constructor(source: () => ScreenSource | undefined) {
    this.#source = source;
  }

  get revision(): number {
    return this.#source()?.revision ?? 0;
  }

  text(): string {
    return this.#source()?.text().join('\n') ?? '';
  }

  image(): ScreenImage {
    return this.#source()?.image() ?? { width: 0, height: 0, rgba: new Uint8Array(0) };
  }
}
