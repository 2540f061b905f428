import { Flag } from '@ringfence/isa';
import { describe, expect, it } from 'vitest';
import { decodeInto } from './decode-into.ts';
import { flagEffects } from './flag-effects.ts';
import { Instruction } from './instruction.ts';

function effectsOf(...bytes: number[]): ReturnType<typeof flagEffects> {
  const instruction = new Instruction();
  expect(decodeInto(instruction, Uint8Array.from(bytes), 0, bytes.length, 32)).toBe(bytes.length);
  return flagEffects(instruction);
}

describe('flagEffects', () => {
  it('are those of the form where no count matters', () => {
    expect(effectsOf(0x01, 0xc8).written).toBe(
      Flag.overflow | Flag.sign | Flag.zero | Flag.adjust | Flag.parity | Flag.carry,
    );
  });

  it('are none for a shift by zero, masked to five bits', () => {
    expect(effectsOf(0xc1, 0xe0, 0x00).modified).toBe(0);
    expect(effectsOf(0xc1, 0xe0, 0x20).modified).toBe(0);
  });

  it('define OF for a shift by one only', () => {
    expect(effectsOf(0xc1, 0xe0, 0x01).written & Flag.overflow).toBe(Flag.overflow);
    expect(effectsOf(0xc1, 0xe0, 0x02).undefined & Flag.overflow).toBe(Flag.overflow);
  });

  it('are none for a full turn of RCL through nine bits', () => {
    expect(effectsOf(0xc0, 0xd0, 0x09).modified).toBe(0);
    expect(effectsOf(0xc0, 0xd0, 0x0a).modified).not.toBe(0);
  });

  it('stay conditional for a shift by CL', () => {
    expect(effectsOf(0xd3, 0xe0).conditional).toBe(true);
    expect(effectsOf(0xc1, 0xe0, 0x03).conditional).toBe(false);
  });
});
