import type { Handler } from './handlers.ts';

/** Modules of few handlers that there may be. */
const mostSmall = 1024;

/**
 * Says which handlers are compiled as one module. What is met is compiled at once, mostly one
 * handler at a time; so that a guest cannot make as many modules as there are handlers (each has
 * mappings of the host's, of which a process has some 65,000), those of many small modules become
 * one now and then. A normal guest never comes to that.
 */
export class HandlerBatches {
  #small: Handler[] = [];
  #count = 0;

  /** What to compile for new handlers: these, or all of the small modules with them. */
  next(handlers: readonly Handler[]): readonly Handler[] {
    this.#small.push(...handlers);
    this.#count += 1;
    if (this.#count < mostSmall) return handlers;
    const all = this.#small;
    this.#small = [];
    this.#count = 0;
    return all;
  }
}
