import { describe, expect, it } from 'vitest';
import { CpuState } from '@ringfence/memory';
import { hasPendingError, hidePendingError, showPendingError } from './floating-point-error.ts';

describe('the summary bit of the x87 status word', () => {
  it('is set exactly while an unmasked exception is pending', () => {
    const state = new Int32Array(0x2000 / 4);
    state[CpuState.fpuControl >> 2] = 0x37b;
    state[CpuState.fpuStatus >> 2] = 0x04;
    showPendingError(state);
    expect(hasPendingError(state)).toBe(true);
    hidePendingError(state);
    expect(state[CpuState.fpuStatus >> 2]).toBe(0x04);
    state[CpuState.fpuControl >> 2] = 0x37f;
    showPendingError(state);
    expect(hasPendingError(state)).toBe(false);
  });
});
