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

function connected(isTTY: boolean) {
  const stdin = new FakeInput(isTTY);
  const seen: string[] = [];
  const stderr = { write: (text: string | Uint8Array) => seen.push(`note ${String(text).trim()}`) };
  const disconnect = connectInput(
    { stdin, stdout: stderr, stderr },
    { write: (bytes) => seen.push(Buffer.from(bytes).toString()), exit: () => seen.push('exit') },
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

  it('listens no more after it was disconnected', () => {
    const { stdin, seen, disconnect } = connected(true);
    disconnect();
    stdin.emit('data', Buffer.from('ls'));
    expect(seen).toEqual([]);
  });
});
