import type { MachineEvents } from './api.ts';

type Name = keyof MachineEvents;
type Listener<Event extends Name> = (event: MachineEvents[Event]) => void;

/** Tells listeners of a machine's events. */
export class Emitter {
  readonly #listeners: { readonly [Event in Name]: Set<Listener<Event>> } = {
    end: new Set(),
    reset: new Set(),
    state: new Set(),
    debugByte: new Set(),
    parallelByte: new Set(),
    postCode: new Set(),
    sound: new Set(),
    translation: new Set(),
    hypercall: new Set(),
  };

  /** Adds a listener; the result takes it away. */
  on<Event extends Name>(name: Event, listener: Listener<Event>): () => void {
    const listeners: Set<Listener<Event>> = this.#listeners[name];
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Calls the listeners of an event. */
  emit<Event extends Name>(name: Event, event: MachineEvents[Event]): void {
    for (const listener of [...this.#listeners[name]]) {
      listener(event);
    }
  }
}
