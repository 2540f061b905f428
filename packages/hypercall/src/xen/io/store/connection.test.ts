/** What the store answers to messages that are not as they should be. */
import { describe, expect, it } from 'vitest';

import { XenCallNumber } from '../../constants.ts';
import { makeHvmGuest } from '../../test-guest.ts';
import { encodeMessage, fromText, StoreMessage, toText } from './wire.ts';

/** Sends a message by the ring of a guest and returns the type and text of what comes back. */
function asker() {
  const { memory, domain, call, put, word } = makeHvmGuest();
  const page = domain.storePage;
  return (type: number, text: string, transaction = 0): string => {
    const bytes = encodeMessage({ type, request: 7, transaction, payload: fromText(text) });
    const written = word(page + 2052);
    for (const [index, byte] of bytes.entries()) {
      memory.write8(page + ((written + index) % 1024), byte);
    }
    memory.write32(page + 2052, written + bytes.length);
    const answer: number[] = [];
    let first = word(page + 2060);
    do {
      // What is longer than the ring comes as there is room.
      call(XenCallNumber.eventChannelOp, 4, put(0x1000, domain.storePort));
      for (; first !== word(page + 2060); first += 1) {
        answer.push(memory.read8(page + 1024 + (first % 1024)));
      }
      put(page + 2056, first);
    } while (answer.length < 16 + (answer[12] ?? 0) + 256 * (answer[13] ?? 0));
    const text0 = toText(Uint8Array.from(answer.slice(16)));
    return answer[0] === StoreMessage.error ? text0.replace('\0', '') : `ok ${text0}`;
  };
}

describe('the store', () => {
  it('wants the end of a string, and nothing behind it', () => {
    const ask = asker();
    const { read, directory, mkdir, rm, getPerms, getDomainPath } = StoreMessage;
    expect(ask(read, 'domid\0')).toBe('ok 1');
    for (const type of [read, directory, mkdir, rm, getPerms]) {
      expect(['domid', 'domid\0\0', 'domid\0x', ''].map((text) => ask(type, text))).toEqual([
        ...['EINVAL', 'EINVAL', 'EINVAL', 'EINVAL'],
      ]);
    }
    expect([ask(getDomainPath, '1'), ask(getDomainPath, '1\0')]).toEqual([
      'EINVAL',
      'ok /local/domain/1\0',
    ]);
  });

  it('takes any bytes behind the path of a value, which has an end', () => {
    const ask = asker();
    const { write, read } = StoreMessage;
    expect(ask(write, 'data/a')).toBe('EINVAL');
    expect(ask(write, 'data/a\0one\0two')).toBe('ok OK\0');
    expect(ask(read, 'data/a\0')).toBe('ok one\0two');
  });

  it('wants two strings of watches, and T or F of transactions', () => {
    const ask = asker();
    const { watch, unwatch, transactionStart, transactionEnd, resetWatches } = StoreMessage;
    expect([ask(watch, 'data\0'), ask(unwatch, 'data\0token')]).toEqual(['EINVAL', 'EINVAL']);
    const id = Number(ask(transactionStart, '\0').slice(3, -1));
    expect([ask(transactionEnd, 'X\0', id), ask(transactionEnd, 'F', id)]).toEqual([
      ...['EINVAL', 'EINVAL'],
    ]);
    expect([ask(transactionEnd, 'F\0', id), ask(transactionEnd, 'F\0', id)]).toEqual([
      ...['ok OK\0', 'ENOENT'],
    ]);
    expect([ask(resetWatches, ''), ask(resetWatches, '\0')]).toEqual(['EINVAL', 'ok OK\0']);
  });

  it('lists many names in parts, with an empty one behind the last', () => {
    const ask = asker();
    const { directory, directoryPart, mkdir } = StoreMessage;
    const part = (path: string, offset: number): readonly string[] =>
      ask(directoryPart, `${path}\0${String(offset)}\0`)
        .slice(3)
        .split('\0')
        .slice(0, -1);
    expect(ask(directoryPart, 'data\0')).toBe('EINVAL');
    expect(ask(directoryPart, 'nothing\x000\0')).toBe('ENOENT');
    const [number, ...none] = part('data', 0);
    expect(none).toEqual(['']);
    const names = Array.from({ length: 60 }, (_nothing, index) => `n${String(100 + index)}`);
    const long = 'x'.repeat(96);
    for (const name of names) ask(mkdir, `data/${name}${long}\0`);
    expect(ask(directory, 'data\0')).toBe('E2BIG');
    const [first, ...some] = part('data', 0);
    expect(first).not.toBe(number);
    const [second, ...rest] = part('data', some.length * 101);
    expect(second).toBe(first);
    expect([...some, ...rest]).toEqual([...names.map((name) => name + long), '']);
    expect(some.length).toBe(Math.floor(4084 / 101));
    // Behind the end there is nothing but the end.
    expect(part('data', 60 * 101)).toEqual([first, '']);
    expect(part('data', 1e9)).toEqual([first, '']);
  });

  it("refuses a tool stack's messages, and knows no others", () => {
    const ask = asker();
    expect([0, 8, 9, 18, 19].map((type) => ask(type, '1\0'))).toEqual(
      Array.from({ length: 5 }, () => 'EACCES'),
    );
    expect([15, 16, 20, 99].map((type) => ask(type, '1\0'))).toEqual(
      Array.from({ length: 4 }, () => 'ENOSYS'),
    );
  });
});
