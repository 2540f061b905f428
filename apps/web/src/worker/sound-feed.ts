import type { Machine, SoundEvent } from '@ringfence/machine';

import type { Post } from './session.ts';

/** The most events of one message: more in a slice is noise, and its end is what counts. */
const mostEvents = 4096;

/** Gathers what the speaker does within a slice, and sends it when the slice is over. */
export function feedSound(machine: Machine, post: Post): void {
  let events: SoundEvent[] = [];
  machine.on('sound', (event) => {
    if (events.length === 0) {
      queueMicrotask(() => {
        post({ kind: 'sound', events: events.slice(-mostEvents) });
        events = [];
      });
    }
    if (events.length >= 2 * mostEvents) events = events.slice(-mostEvents);
    events.push(event);
  });
}
