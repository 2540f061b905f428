import { encode } from 'fast-png';

import type { Screen, ScreenCells, ScreenImage } from './api.ts';

/** A display, as far as the screen needs it. */
export interface ScreenSource {
  /** A number that is another one when the picture may have changed since it was read last. */
  readonly revision: number;
  /** Returns the rows of the text screen; none in a graphics mode. */
  text(): readonly string[];
  /** Returns the text with all that belongs to it; nothing in a graphics mode. */
  textScreen(): ScreenCells | undefined;
  /** Returns the picture on the screen. */
  image(): ScreenImage;
}

/** The screen, seen from outside the machine; one black pixel once the machine is gone. */
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

  cells(): ScreenCells | undefined {
    return this.#source()?.textScreen();
  }

  png(): Uint8Array {
    const { width, height, rgba } = this.image();
    return encode({ width, height, data: rgba, channels: 4, depth: 8 });
  }

  image(): ScreenImage {
    return this.#source()?.image() ?? { width: 1, height: 1, rgba: Uint8Array.of(0, 0, 0, 255) };
  }
}
