import { describe, expect, it } from 'vitest';

import { loadKernel } from '../boot/kernel.ts';
import { TestLoaderMemory } from '../boot/test-images.ts';
import { builtInGuestRamBytes, GuestLayout } from './layout.ts';
import { builtInGuest } from './program.ts';

describe('builtInGuest', () => {
  it('is a multiboot kernel that fits into the least memory', () => {
    const memory = new TestLoaderMemory(builtInGuestRamBytes);
    const state = loadKernel({ kind: 'kernel', kernel: builtInGuest() }, memory);
    expect(state.gpr[0]).toBe(0x2bad_b002);
    expect(state.eip).toBeGreaterThan(GuestLayout.load);
    expect(memory.bytes[state.eip]).toBe(0xbc);
  });

  it('is the same each time', () => {
    expect(builtInGuest()).toEqual(builtInGuest());
  });
});
