import { describe, expect, it } from 'vitest';
import { PortBus } from '../port-bus.ts';
import { fuzzPorts } from '../test-fuzz.ts';
import { DebugConsole } from './device.ts';

describe('debug console', () => {
  it('passes bytes on and reads as 0xe9', () => {
    const bytes: number[] = [];
    const bus = new PortBus();
    bus.attach(new DebugConsole({ output: { write: (byte) => bytes.push(byte) } }));
    bus.writePort(0xe9, 1, 0x48);
    expect([bytes, bus.readPort(0xe9, 1)]).toEqual([[0x48], 0xe9]);
  });

  it('refuses a foreign state', () => {
    const device = new DebugConsole({ output: { write: () => undefined } });
    expect(() => {
      device.restore({ device: 'debug-console', version: 2, registers: {} });
    }).toThrow(/state.version/);
  });

  it('survives random accesses', () => {
    fuzzPorts({
      make: () => new DebugConsole({ output: { write: () => undefined } }),
      rounds: 5000,
    });
  });
});
