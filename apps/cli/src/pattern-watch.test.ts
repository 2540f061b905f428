import { expect, it } from 'vitest';
import { PatternWatch } from './pattern-watch.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

it('finds a pattern that comes in two pieces', () => {
  const watch = new PatternWatch('BOOT-OK');
  expect(watch.add(bytes('...BOOT'))).toBe(false);
  expect(watch.add(bytes('-OK\n'))).toBe(true);
});

it('takes ^ and $ for the ends of lines', () => {
  const watch = new PatternWatch('^login:$');
  expect(watch.add(bytes('no login:\n'))).toBe(false);
  expect(watch.add(bytes('login:\nx'))).toBe(true);
});

it('forgets output that lies too far back, so that its memory is bounded', () => {
  const watch = new PatternWatch('start[^]*end');
  watch.add(bytes('start'));
  watch.add(bytes('x'.repeat(20_000)));
  expect(watch.add(bytes('end'))).toBe(false);
});
