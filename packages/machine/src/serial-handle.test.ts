import { describe, expect, it } from 'vitest';

import { MachineError } from './error.ts';
import { keptOutputBytes, maximumInputBytes, SerialHandle } from './serial-handle.ts';
import { TestHost } from './test-host.ts';

const make = () => {
  const host = new TestHost();
  let wakes = 0;
  const handle = new SerialHandle('serial port 0', host, () => (wakes += 1));
  const say = (text: string): void => {
    for (const character of text) {
      handle.outputByte(character.charCodeAt(0));
    }
    handle.flush();
  };
  return { host, handle, say, wakes: () => wakes };
};
const reasonOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof MachineError ? `${error.code}: ${error.message}` : 'no error';
};

describe('SerialHandle', () => {
  it('hands output on in blocks, until a listener leaves', () => {
    const { handle, say } = make();
    const blocks: string[] = [];
    const leave = handle.onData((bytes) => blocks.push(String.fromCharCode(...bytes)));
    say('hello');
    leave();
    say('more');
    expect(blocks).toEqual(['hello']);
  });

  it('hands long output on before it is asked to', () => {
    const { handle } = make();
    let count = 0;
    handle.onData((bytes) => (count += bytes.length));
    for (let index = 0; index < 10_000; index += 1) {
      handle.outputByte(index & 0xff);
    }
    expect(count).toBe(8192);
  });

  it('takes no more input than its bound, and says when it has drained', async () => {
    const { handle } = make();
    expect(handle.write(new Uint8Array(maximumInputBytes + 5))).toBe(maximumInputBytes);
    expect(handle.write('more')).toBe(0);
    let isDrained = false;
    const drained = handle.drained().then(() => (isDrained = true));
    await Promise.resolve();
    expect(isDrained).toBe(false);
    handle.connect({ receive: (bytes) => bytes.length });
    handle.pump();
    await drained;
    expect(handle.write('more')).toBe(4);
  });

  it('keeps input until the device has room', () => {
    const { handle, wakes } = make();
    handle.write('abc');
    const taken: number[] = [];
    let room = 2;
    handle.connect({
      receive: (bytes) => {
        const part = bytes.subarray(0, room);
        taken.push(...part);
        room -= part.length;
        return part.length;
      },
    });
    handle.write(Uint8Array.of(0x64, 0xff));
    expect(taken).toEqual([0x61, 0x62]);
    room = 10;
    handle.pump();
    expect(taken).toEqual([0x61, 0x62, 0x63, 0x64, 0xff]);
    expect(wakes()).toBe(2);
  });

  it('resolves an expectation with the match, and the next from what follows it', async () => {
    const { handle, say } = make();
    say('login: ');
    expect((await handle.expect(/log(in)/g)).slice(0, 2)).toEqual(['login', 'in']);
    const next = handle.expect(/in/);
    say('again');
    expect((await next).index).toBe(5);
  });

  it('matches across blocks', async () => {
    const { handle, say } = make();
    const found = handle.expect(/BOOT-OK/);
    say('xBOO');
    say('T-OK');
    expect((await found)[0]).toBe('BOOT-OK');
  });

  it('gives up after a time, and says what was there', async () => {
    const { handle, host, say } = make();
    say('something else');
    const reason = reasonOf(handle.expect(/never/, 500));
    host.turn();
    expect(await reason).toBe(
      'not-seen: serial port 0: expected output that matches /never/, found none within 500 ms; ' +
        'the last output is "something else"',
    );
    expect(host.waiting).toBe(0);
  });

  it('gives up when the machine ends', async () => {
    const { handle, say } = make();
    const early = handle.expect(/yes/);
    const late = reasonOf(handle.expect(/never/));
    say('yes');
    handle.end({ reason: 'poweroff' });
    expect((await early)[0]).toBe('yes');
    expect(await late).toContain('the end of the machine (poweroff)');
    expect(await reasonOf(handle.expect(/after/))).toContain('poweroff');
  });

  it('lets later expectations go on when an earlier one gives up', async () => {
    const { handle, host, say } = make();
    const first = reasonOf(handle.expect(/never/, 10));
    const second = handle.expect(/ok/);
    say('ok');
    host.turn();
    expect(await first).toContain('not-seen');
    expect((await second)[0]).toBe('ok');
  });

  it('keeps no more output than its bound', async () => {
    const { handle, say } = make();
    say('first');
    say('x'.repeat(keptOutputBytes));
    say('last');
    const reason = reasonOf(handle.expect(/first/, 0));
    handle.end({ reason: 'disposed' });
    expect(await reason).toContain('not-seen');
  });
});
