import { describe, expect, it } from 'vitest';
import { fuzzPorts } from '../test-fuzz.ts';
import { PostPort } from './device.ts';

describe('port 0x80', () => {
  it('shows codes and reads back the last', () => {
    const codes: number[] = [];
    const port = new PostPort({ codes: { write: (code) => codes.push(code) } });
    port.writePort(0x80, 1, 0x01);
    port.writePort(0x80, 1, 0x1ff);
    expect([codes, port.readPort(0x80, 1)]).toEqual([[0x01, 0xff], 0xff]);
  });

  it('continues from a saved state and forgets on reset', () => {
    const port = new PostPort();
    port.writePort(0x80, 1, 0x42);
    const other = new PostPort();
    other.restore(port.save());
    expect(other.readPort(0x80, 1)).toBe(0x42);
    other.reset();
    expect(other.readPort(0x80, 1)).toBe(0);
  });

  it('survives random accesses', () => {
    fuzzPorts({ make: () => new PostPort(), rounds: 5000 });
  });
});
