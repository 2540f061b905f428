import type { Machine, Settings } from '@ringfence/machine';
import { nodeHost } from './node-host.ts';

/** How often the text screen is looked at. */
const PERIOD_MS = 100;

/** Looks at the text screen for `--until-screen` and `--type-after`, and types `--type`. */
export class ScreenWatch {
  readonly #machine: Machine;
  readonly #until: RegExp | undefined;
  readonly #typeAfter: RegExp | undefined;
  readonly #onUntil: () => void;
  #toType: string | undefined;
  #cancel: (() => void) | undefined;

  constructor(machine: Machine, settings: Settings, onUntil: () => void) {
    const { untilScreen, typeAfter } = settings;
    this.#machine = machine;
    this.#until = untilScreen === undefined ? undefined : new RegExp(untilScreen, 'm');
    this.#typeAfter = typeAfter === undefined ? undefined : new RegExp(typeAfter, 'm');
    this.#toType = settings.type;
    this.#onUntil = onUntil;
  }

  /** Looks from now on, as long as there is something to look for; returns what ends it. */
  start(): () => void {
    this.#next();
    return () => this.#cancel?.();
  }

  #next(): void {
    if (this.#until === undefined && this.#toType === undefined) return;
    this.#cancel = nodeHost.setTimer(() => this.#look(), PERIOD_MS);
  }

  #look(): void {
    const text = this.#machine.screen.text();
    if (this.#toType !== undefined && this.#typeAfter?.test(text) !== false) {
      this.#machine.keyboard.type(this.#toType);
      this.#toType = undefined;
    }
    if (this.#until?.test(text) === true) this.#onUntil();
    else this.#next();
  }
}
