import { expect, it } from 'vitest';
import { differences } from './compare.ts';
import type { MachineState } from './machine-state.ts';
import { baseState } from './machine-state.ts';
import type { VectorCase } from './vector-file.ts';

function vector(change: Partial<VectorCase> = {}): VectorCase {
  const state = baseState(1);
  return {
    form: 'NOP | 90',
    number: 0,
    code: Uint8Array.of(0x90),
    before: state,
    after: state,
    fault: undefined,
    flagsMask: 0xffffffff,
    statusMask: 0xffff,
    ignored: [],
    ...change,
  };
}

function changed(change: (state: MachineState) => void): MachineState {
  const state = baseState(1);
  change(state);
  return state;
}

it('finds nothing where states are equal', () => {
  expect(differences(vector(), baseState(1), undefined)).toEqual([]);
});

it('names each register that differs, with both values', () => {
  const state = changed((other) => {
    other.setGpr(3, 0x12345678);
    other.setSegment(3, 0);
    other.eip = 0x15001;
  });
  expect(differences(vector(), state, undefined)).toEqual([
    expect.stringMatching(/^ebx: 0x12345678, expected 0x/),
    'eip: 0x15001, expected 0x15000',
    'ds: 0x0, expected 0x2b',
  ]);
});

it('does not look at undefined flags and status bits', () => {
  const state = changed((other) => {
    other.eflags ^= 0x810;
    other.statusWord ^= 0x100;
  });
  expect(differences(vector(), state, undefined)).toHaveLength(2);
  const masked = vector({ flagsMask: ~0x810, statusMask: 0xfeff });
  expect(differences(masked, state, undefined)).toEqual([]);
});

it('does not look at x87 pointers and reserved fields of the FXSAVE image', () => {
  const state = changed((other) => {
    other.fx.fill(0xee, 6, 24);
    other.fx.fill(0xee, 42, 48);
    other.fx.fill(0xee, 288, 512);
  });
  expect(differences(vector(), state, undefined)).toEqual([]);
});

it('finds vector and x87 registers, high byte first', () => {
  const state = changed((other) => {
    other.xmm(2).fill(0).fill(1, 0, 1);
    other.st(7).fill(0);
  });
  const found = differences(vector(), state, undefined);
  expect(found).toHaveLength(2);
  expect(found[0]).toMatch(/^xmm2: 0{31}1, expected/);
  expect(found[1]).toMatch(/^st7: 0{20}, expected/);
});

it('finds the first byte of memory that differs and is not ignored', () => {
  const state = changed((other) => {
    other.memory[16] = (other.memory[16] ?? 0) ^ 1;
    other.memory[32] = (other.memory[32] ?? 0) ^ 1;
  });
  expect(differences(vector(), state, undefined)[0]).toMatch(/^memory from 0x8e10: /);
  const partly = vector({ ignored: [{ offset: 10, length: 10 }] });
  expect(differences(partly, state, undefined)[0]).toMatch(/^memory from 0x8e20: /);
});

it('compares faults with error code and address', () => {
  const fault = { vector: 14, error: 6, address: 0xa000 };
  expect(differences(vector({ fault }), baseState(1), { ...fault })).toEqual([]);
  expect(differences(vector({ fault }), baseState(1), { ...fault, error: 4 })).toEqual([
    'fault 14 error 0x4 address 0xa000, expected fault 14 error 0x6 address 0xa000',
  ]);
  expect(differences(vector({ fault }), baseState(1), undefined)[0]).toMatch(/^no fault, expected/);
});
