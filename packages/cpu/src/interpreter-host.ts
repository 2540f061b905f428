import type { InterpreterHost } from '@ringfence/translator';
import type { Callouts } from './callouts.ts';
import type { GuestAccess } from './guest-access.ts';
import type { InstructionFetch } from './instruction-fetch.ts';

/** What a fetch counts as work: it decodes up to 64 instructions and may generate handlers. */
const fetchWork = 64;

/** What generated code asks of the CPU; each request is charged as work of the host. */
export function makeInterpreterHost(
  fetch: InstructionFetch,
  access: GuestAccess,
  callouts: Callouts,
  charge: (work: number) => void,
): InterpreterHost {
  return {
    fetch: (eip) => {
      charge(fetchWork);
      return fetch.fetch(eip);
    },
    cross: (record) => {
      charge(1);
      return fetch.cross(record);
    },
    readSlow: (linear, bytes) => {
      charge(1);
      return access.readSlow(linear, bytes);
    },
    writeSlow: (linear, bytes, value) => {
      charge(1);
      access.writeSlow(linear, bytes, value);
    },
    probeSlow: (linear, bytes) => {
      charge(1);
      access.probeSlow(linear, bytes);
    },
    reachSlow: (linear, write) => {
      charge(1);
      return access.reachSlow(linear, write);
    },
    wroteSlow: (linear, bytes) => {
      charge(1);
      access.wroteSlow(linear, bytes);
    },
    callout: (number, a, b, c) => {
      charge(1);
      return callouts.call(number, a, b, c);
    },
  };
}
