import { describe, expect, it } from 'vitest';
import { combineFaults, FaultCombination } from './double-fault.ts';
import { fault, faultWithError } from './fault.ts';
import { InterruptKind } from './interfaces.ts';

const { serial, doubleFault, shutdown } = FaultCombination;
const contributory = [0, 10, 11, 12, 13];
const benign = [1, 2, 3, 4, 5, 6, 7, 9, 16, 17, 18, 19, 0x55];
const kind = InterruptKind.fault;

describe('combineFaults (SDM 3A table 6-5)', () => {
  it.each([
    ['benign then anything', benign, [...benign, ...contributory, 14], serial],
    ['contributory then benign', contributory, benign, serial],
    ['contributory then contributory', contributory, contributory, doubleFault],
    ['contributory then page fault', contributory, [14], serial],
    ['page fault then benign', [14], benign, serial],
    ['page fault then contributory', [14], contributory, doubleFault],
    ['page fault then page fault', [14], [14], doubleFault],
    ['double fault then benign', [8], benign, serial],
    ['double fault then contributory', [8], contributory, shutdown],
    ['double fault then page fault', [8], [14], shutdown],
  ])('%s', (_name, first, second, expected) => {
    for (const vector of first) {
      for (const raised of second) {
        expect(combineFaults(vector, kind, faultWithError(raised, 8))).toBe(expected);
      }
    }
  });

  it('treats interrupts as benign whatever their vector', () => {
    const { external, software, softwareTrap, privilegedTrap } = InterruptKind;
    for (const event of [external, software, softwareTrap, privilegedTrap]) {
      expect(combineFaults(13, event, fault(13))).toBe(serial);
      expect(combineFaults(8, event, fault(14))).toBe(serial);
    }
  });
});
