import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BatchedLine } from './batched-line.ts';

function recording(fails: () => boolean = () => false) {
  const written: string[] = [];
  const write = (bytes: Uint8Array): void => {
    if (fails()) throw new Error('no space left');
    written.push(Buffer.from(bytes).toString());
  };
  const close = (): void => void written.push('closed');
  return { written, line: new BatchedLine({ isConsole: false, write, close }) };
}

describe('a batched line', () => {
  it('writes the bytes of one turn of the event loop together', async () => {
    const { line, written } = recording();
    for (const letter of 'abc') line.write(Buffer.from(letter));
    expect(written).toEqual([]);
    await setImmediate();
    line.write(Buffer.from('d'));
    await setImmediate();
    expect(written).toEqual(['abc', 'd']);
  });

  it('does not wait when there are many', () => {
    const { line, written } = recording();
    for (let index = 0; index < 4097; index += 1) line.write(Buffer.from('x'));
    expect(written).toEqual(['x'.repeat(4096)]);
  });

  it('writes what it has before it is closed', () => {
    const { line, written } = recording();
    line.write(Buffer.from('last'));
    line.close();
    expect(written).toEqual(['last', 'closed']);
  });

  it('throws what a write came to at the next call, once', async () => {
    let full = true;
    const { line, written } = recording(() => full);
    line.write(Buffer.from('lost'));
    await setImmediate();
    expect(() => line.write(Buffer.from('a'))).toThrow('no space left');
    full = false;
    line.write(Buffer.from('b'));
    line.close();
    expect(written).toEqual(['b', 'closed']);
  });
});
