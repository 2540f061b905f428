import { expect, it } from 'vitest';

import { MouseHandle } from './mouse-handle.ts';

function made() {
  const seen: string[] = [];
  const device = {
    mouseMove: (...values: number[]) => {
      seen.push(values.join());
    },
  };
  const mouse = new MouseHandle(device, () => seen.push('wake'));
  return { mouse, seen };
}

it('moves and turns the wheel in whole counts, and wakes the machine', () => {
  const { mouse, seen } = made();
  mouse.move(3.7, -2.2);
  mouse.move(NaN, 0, 1);
  expect(seen).toEqual(['3,-2,0,0', 'wake', '0,0,1,0', 'wake']);
});

it('holds buttons while it moves until they are released', () => {
  const { mouse, seen } = made();
  mouse.press('left');
  mouse.press('middle');
  mouse.move(1, 1);
  mouse.release('left');
  expect(seen.filter((each) => each !== 'wake')).toEqual([
    '0,0,0,1',
    '0,0,0,5',
    '1,1,0,5',
    '0,0,0,4',
  ]);
});
