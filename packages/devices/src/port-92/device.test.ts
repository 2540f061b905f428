import { describe, expect, it } from 'vitest';
import { fuzzPorts, ProbeLine } from '../test-fuzz.ts';
import { Port92 } from './device.ts';

function setUp(): { port: Port92; a20: ProbeLine; resets: () => number } {
  const a20 = new ProbeLine();
  let count = 0;
  const port = new Port92({ a20, requestReset: () => (count += 1) });
  return { port, a20, resets: () => count };
}

describe('port 0x92', () => {
  it('drives address line 20 with bit 1 and reads it back', () => {
    const { port, a20 } = setUp();
    port.writePort(0x92, 1, 0xfe);
    expect([a20.level, port.readPort(0x92, 1)]).toEqual([true, 0x02]);
    port.writePort(0x92, 1, 0x00);
    expect(a20.level).toBe(false);
  });

  it('resets the CPU once, when bit 0 becomes set', () => {
    const { port, resets } = setUp();
    port.writePort(0x92, 1, 0x01);
    port.writePort(0x92, 1, 0x03);
    expect(resets()).toBe(1);
    port.writePort(0x92, 1, 0x02);
    port.writePort(0x92, 1, 0x03);
    expect(resets()).toBe(2);
  });

  it('closes its source of address line 20 on reset', () => {
    const { port, a20 } = setUp();
    port.writePort(0x92, 1, 0x02);
    port.reset();
    expect([a20.level, port.readPort(0x92, 1)]).toEqual([false, 0]);
  });

  it('drives address line 20 from a saved state, without a reset', () => {
    const { port } = setUp();
    port.writePort(0x92, 1, 0x03);
    const other = setUp();
    other.port.restore(port.save());
    expect([other.a20.level, other.resets()]).toEqual([true, 0]);
  });

  it('survives random accesses', () => {
    fuzzPorts({ make: () => setUp().port, rounds: 5000 });
  });
});
