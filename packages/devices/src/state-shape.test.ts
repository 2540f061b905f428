import { describe, expect, it } from 'vitest';
import { DeviceError } from './error.ts';
import * as shape from './state-shape.ts';

interface Sample {
  level: number;
  names: string[];
}

const sampleShape = shape.record<Sample>({
  level: shape.integer(0, 3),
  names: shape.list(shape.oneOf('a', 'b'), 0, 2),
});

function messageOf(value: unknown): string {
  try {
    sampleShape(value, 'sample');
  } catch (error) {
    return error instanceof DeviceError ? `${error.code}: ${error.message}` : 'not a DeviceError';
  }
  return 'accepted';
}

describe('state shapes', () => {
  it('copy what they accept', () => {
    const value: Sample = { level: 2, names: ['a'] };
    const copy = sampleShape(value, 'sample');
    value.names.push('b');
    expect(copy).toEqual({ level: 2, names: ['a'] });
  });

  it.each([
    [{ level: 4, names: [] }, 'bad-state: sample.level: expected a whole number in 0..3, found 4'],
    [
      { level: NaN, names: [] },
      'bad-state: sample.level: expected a whole number in 0..3, found NaN',
    ],
    [{ names: [] }, 'bad-state: sample.level: expected a whole number in 0..3, found undefined'],
    [{ level: 0, names: ['a', 'c'] }, 'bad-state: sample.names[1]: expected one of a, b, found c'],
    [
      { level: 0, names: ['a', 'a', 'a'] },
      'bad-state: sample.names: expected 0..2 items, found an object',
    ],
    [{ level: 0, names: [], more: 1 }, 'bad-state: sample.more: expected no such field, found 1'],
    [null, 'bad-state: sample: expected an object, found null'],
  ])('refuse %j and say where', (value, message) => {
    expect(messageOf(value)).toBe(message);
  });

  it('refuse a state of another version', () => {
    const saved = shape.saveState('sample', 1, sampleShape, { level: 1, names: [] });
    expect(() => shape.openState(saved, 'sample', 2, sampleShape)).toThrow(/state.version/);
  });

  it('refuse values with a prototype field in place of their own', () => {
    expect(messageOf(JSON.parse('{"level":0,"names":[],"__proto__":{}}'))).toContain(
      'no such field',
    );
  });
});
