import { bench, describe } from 'vitest';
import { ManualClock } from './manual-clock.ts';
import { PortBus } from './port-bus.ts';
import { Uart16550 } from './uart-16550/index.ts';

const clock = new ManualClock();
const quiet = { set: () => undefined, write: () => undefined };
const uart = new Uart16550({ base: 0x3f8, clock, timers: clock, irq: quiet, output: quiet });
const bus = new PortBus();
bus.attach(uart);
const accesses = 1000;

/** What the bus adds to a device's own work is the ratio of the first two. */
describe('1000 reads of a port', () => {
  bench('through the bus', () => {
    for (let access = 0; access < accesses; access += 1) {
      bus.readPort(0x3ff, 1);
    }
  });
  bench('of the device itself', () => {
    for (let access = 0; access < accesses; access += 1) {
      uart.readPort(0x3ff, 1);
    }
  });
  bench('where nobody answers', () => {
    for (let access = 0; access < accesses; access += 1) {
      bus.readPort(0x80, 1);
    }
  });
});
