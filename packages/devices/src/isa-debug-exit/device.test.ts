import { describe, expect, it } from 'vitest';
import { PortBus } from '../port-bus.ts';
import { fuzzPorts } from '../test-fuzz.ts';
import { IsaDebugExit } from './device.ts';

describe('isa-debug-exit', () => {
  it('ends the machine with (v << 1) | 1, for accesses of every size', () => {
    const statuses: number[] = [];
    const bus = new PortBus();
    bus.attach(new IsaDebugExit({ requestExit: (status) => statuses.push(status) }));
    bus.writePort(0xf4, 1, 0x10);
    bus.writePort(0xf4, 2, 0x00);
    bus.writePort(0xf4, 4, 0xffff_ffff);
    expect(statuses).toEqual([0x21, 0x01, 0xff]);
  });

  it('can stand at another port', () => {
    const device = new IsaDebugExit({ base: 0x501, requestExit: () => undefined });
    expect(device.ports).toEqual([{ first: 0x501, count: 4, widest: 4 }]);
  });

  it('survives random accesses', () => {
    fuzzPorts({ make: () => new IsaDebugExit({ requestExit: () => undefined }), rounds: 5000 });
  });
});
