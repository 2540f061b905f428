import { describe, expect, it } from 'vitest';
import { WrittenCode } from './written-code.ts';

describe('written code', () => {
  it('is left to the interpreter when a byte of it was written twice', () => {
    const written = new WrittenCode();
    written.note(7, 100, 4, 1);
    expect(written.isWritten(7, 96, 16)).toBe(false);
    written.note(7, 102, 1, 2);
    expect(written.isWritten(7, 96, 16)).toBe(true);
    expect(written.isWritten(7, 96, 6)).toBe(false);
    expect(written.isWritten(7, 103, 16)).toBe(false);
    expect(written.isWritten(8, 96, 16)).toBe(false);
  });

  it('refuses a page whose regions are dropped all the time, until it has been quiet', () => {
    const written = new WrittenCode();
    for (let drop = 0; drop < 100; drop++) written.note(7, drop * 8, 1, drop);
    expect(written.isRefused(7, 100)).toBe(true);
    expect(written.isRefused(8, 100)).toBe(false);
    expect(written.isRefused(7, 10_000)).toBe(false);
  });

  it('forgets what was written before a long silence', () => {
    const written = new WrittenCode();
    written.note(7, 100, 4, 1);
    written.note(7, 100, 4, 100_000);
    expect(written.isWritten(7, 100, 1)).toBe(false);
  });

  it('begins anew when a whole program is written over the page', () => {
    const written = new WrittenCode();
    written.note(7, 100, 4, 1);
    written.note(7, 100, 4, 2);
    written.note(7, 0, 4096, 3);
    expect(written.isWritten(7, 100, 1)).toBe(false);
  });

  it('remembers a bounded number of pages', () => {
    const written = new WrittenCode();
    for (let page = 0; page < 40_000; page++) {
      written.note(page, 0, 1, 1);
      written.note(page, 0, 1, 1);
    }
    expect(written.isWritten(39_999, 0, 1)).toBe(true);
    expect(written.isWritten(0, 0, 1)).toBe(false);
  });
});
