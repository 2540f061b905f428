import { describe, expect, it } from 'vitest';

import { KeyboardHandle, maximumTyped } from './keyboard-handle.ts';

const make = (room: number = Infinity, guestRoom: number = Infinity) => {
  const log: string[] = [];
  const state = { room, wakes: 0, guestRoom, waitingKeys: 0 };
  const handle = new KeyboardHandle(
    {
      key: (code, pressed) => {
        if (state.room <= 0) {
          return false;
        }
        state.room -= 1;
        log.push(`${pressed ? '+' : '-'}${code}`);
        state.waitingKeys += 1;
        return true;
      },
      get waitingKeys() {
        return state.waitingKeys;
      },
    },
    () => (state.wakes += 1),
    () => state.guestRoom,
  );
  return { handle, log, state };
};

describe('KeyboardHandle', () => {
  it('types letters with and without shift', () => {
    const { handle, log } = make();
    handle.type('aB');
    expect(log).toEqual(['+KeyA', '-KeyA', '+ShiftLeft', '+KeyB', '-KeyB', '-ShiftLeft']);
  });

  it.each([
    ['1', ['+Digit1', '-Digit1']],
    ['!', ['+ShiftLeft', '+Digit1', '-Digit1', '-ShiftLeft']],
    ['\n', ['+Enter', '-Enter']],
    ['\r', ['+Enter', '-Enter']],
    ['\b', ['+Backspace', '-Backspace']],
    ['\u007f', ['+Backspace', '-Backspace']],
    [' ', ['+Space', '-Space']],
    ['"', ['+ShiftLeft', '+Quote', '-Quote', '-ShiftLeft']],
    ['ä', []],
  ])('types %j', (text, keys) => {
    const { handle, log } = make();
    handle.type(text);
    expect(log).toEqual(keys);
  });

  it('knows every character of ASCII that can be seen', () => {
    for (let code = 32; code < 127; code += 1) {
      const { handle, log } = make();
      handle.type(String.fromCharCode(code));
      expect([code, log.length >= 2]).toEqual([code, true]);
    }
  });

  it('keeps keys until the device has room', () => {
    const { handle, log, state } = make(3);
    handle.type('ab');
    expect([log.length, handle.waits, state.wakes]).toEqual([3, true, 1]);
    state.room = 10;
    handle.pump();
    expect([log.at(-1), handle.waits]).toEqual(['-KeyB', false]);
  });

  it('keeps what is typed until the guest can keep it, less a key that is just taken', () => {
    const { handle, log, state } = make(Infinity, 3);
    handle.type('abcd');
    expect(log).toEqual(['+KeyA', '-KeyA', '+KeyB', '-KeyB']);
    handle.pump();
    expect(log.length).toBe(4);
    state.waitingKeys = 0;
    state.guestRoom = 1;
    handle.pump();
    expect(log.length).toBe(4);
    state.guestRoom = 2;
    handle.pump();
    expect(log.slice(4)).toEqual(['+KeyC', '-KeyC']);
    state.waitingKeys = 0;
    handle.pump();
    expect([log.at(-1), handle.waits]).toEqual(['-KeyD', false]);
  });

  it('does not keep back keys that are pressed while nothing is typed', () => {
    const { handle, log } = make(Infinity, 0);
    handle.press('ArrowUp');
    handle.release('ArrowUp');
    expect(log).toEqual(['+ArrowUp', '-ArrowUp']);
  });

  it('bounds what waits', () => {
    const { handle, log, state } = make(0);
    for (let round = 0; round < 10; round += 1) {
      handle.type('A'.repeat(maximumTyped));
    }
    state.room = Infinity;
    handle.pump();
    expect(log.length).toBe(maximumTyped * 4);
  });
});
