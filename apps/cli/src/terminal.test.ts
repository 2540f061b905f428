import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { InputStream } from './console-streams.ts';
import { connectInput } from './terminal.ts';

class FakeInput extends EventEmitter implements InputStream {
  readonly isTTY: boolean;
  readonly calls: string[] = [];
  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  setRawMode(raw: boolean): void {
    this.calls.push(`raw ${raw}`);
  }
  resume(): void {
    this.calls.push('resume');
  }
  pause(): void {
    this.calls.push('pause');
  }
}

function connected(isTTY: boolean, room: number = Infinity, drained = Promise.resolve()) {
  const stdin = new FakeInput(isTTY);
  const seen: string[] = [];
  const stderr = { write: (text: string | Uint8Array) => seen.push(`note ${String(text).trim()}`) };
  const disconnect = connectInput(
    { stdin, stdout: stderr, stderr },
    {
      write: (bytes) => {
        const taken = bytes.subarray(0, room);
        seen.push(Buffer.from(taken).toString());
        return taken.length;
      },
      drained: () => drained,
      command: (name) => seen.push(name),
    },
  );
  return { stdin, seen, disconnect };
}

describe('connectInput', () => {
  it('puts a terminal into raw mode and back', () => {
    const { stdin, disconnect } = connected(true);
    disconnect();
    expect(stdin.calls).toEqual(['raw true', 'resume', 'pause', 'raw false']);
  });

  it('keeps Ctrl-A x of a terminal for the program', () => {
    const { stdin, seen } = connected(true);
    stdin.emit('data', Buffer.from('ls\x01x'));
    expect(seen).toEqual(['ls', 'exit']);
  });

  it('gives a pipe to the guest byte for byte', () => {
    const { stdin, seen } = connected(false);
    stdin.emit('data', Buffer.from('\x01x'));
    expect(seen).toEqual(['\x01x']);
    expect(stdin.calls).toEqual(['resume']);
  });

  it('reads no more of a pipe than the guest has room for', async () => {
    const { stdin, seen } = connected(false, 3);
    stdin.emit('data', Buffer.from('abcde'));
    expect([seen, stdin.calls]).toEqual([['abc'], ['resume', 'pause']]);
    await Promise.resolve();
    expect([seen, stdin.calls]).toEqual([
      ['abc', 'de'],
      ['resume', 'pause', 'resume'],
    ]);
  });

  it('reads on from a terminal whose guest takes nothing', () => {
    const { stdin, seen } = connected(true, 0, new Promise(() => {}));
    stdin.emit('data', Buffer.from('ls'));
    stdin.emit('data', Buffer.from('\x01x'));
    expect(seen).toEqual(['', 'exit']);
  });

  it('listens no more after it was disconnected', () => {
    const { stdin, seen, disconnect } = connected(true);
    disconnect();
    stdin.emit('data', Buffer.from('ls'));
    expect(seen).toEqual([]);
  });
});
