import type { Keyboard, ScreenCells } from '@ringfence/machine';
import { defaultSettings } from '@ringfence/machine';
import { describe, expect, it } from 'vitest';
import { ScreenTerminal, drawsScreen } from './screen-terminal.ts';
import { typeFromTerminal } from './terminal-keys.ts';
import { TestMachine } from './test-machine.ts';
import { nodeHost } from './node-host.ts';

const cellsOf = (text: string, attribute: number, columns = 4): ScreenCells => ({
  columns,
  rows: text.length / columns,
  cells: Uint16Array.from(text, (character) => (attribute << 8) | character.charCodeAt(0)),
  cursor: { column: 1, row: 0, visible: true },
  colours: [],
  blinks: true,
});

function drawn(cells: ScreenCells | undefined): {
  machine: TestMachine;
  written: () => string;
  end: () => void;
} {
  const options = { memoryBytes: 1 << 20, boot: { kind: 'built-in' }, host: nodeHost } as const;
  const machine = new TestMachine(options, () => {});
  machine.screenCells = cells;
  let output = '';
  const stdout = { write: (text: string | Uint8Array) => void (output += String(text)) };
  const end = new ScreenTerminal(machine, stdout).start();
  return { machine, written: () => output, end };
}

describe('ScreenTerminal', () => {
  it('draws rows with their colours, and the cursor', () => {
    const { written, end } = drawn(cellsOf('abcdefgh', 0x1e));
    end();
    expect(written()).toContain('\u001b[1;1H\u001b[0;93;44mabcd\u001b[0m\u001b[K');
    expect(written()).toContain('\u001b[2;1H\u001b[0;93;44mefgh');
    expect(written()).toContain('\u001b[1;2H\u001b[?25h');
  });

  it('rings once for tones that follow each other at once', () => {
    const { machine, written, end } = drawn(cellsOf('abcd', 7));
    machine.sound(0);
    expect(written()).not.toContain('\u0007');
    for (const hertz of [440, 0, 880, 0]) machine.sound(hertz);
    end();
    expect(written().split('\u0007')).toHaveLength(2);
  });

  it('says so in a graphics mode', () => {
    const { written, end } = drawn(undefined);
    end();
    expect(written()).toContain('[graphics, 1 by 1; Ctrl-A p writes a picture]');
  });

  it('gives the terminal back with the text that stood there last', () => {
    const { machine, written, end } = drawn(cellsOf('abcd', 7));
    machine.screenText = 'abcd';
    end();
    expect(written().endsWith('\u001b[?1049labcd\r\n')).toBe(true);
  });
});

describe('drawsScreen', () => {
  const stream = (isTTY: boolean) =>
    ({
      isTTY,
      write: () => {},
      on: () => {},
      off: () => {},
      resume: () => {},
      pause: () => {},
    }) as never;
  const streams = (isTTY: boolean) => ({
    stdin: stream(isTTY),
    stdout: stream(isTTY),
    stderr: stream(isTTY),
  });

  it.each([
    [{ cdrom: 'cd' }, true],
    [{ kernel: 'memtest' }, true],
    [{ kernel: 'vmlinuz', append: 'quiet console=ttyS0' }, false],
    [{ cdrom: 'cd', nographic: true }, false],
    [{ cdrom: 'cd', serial: ['stdio'] }, false],
    [{}, false],
  ])('with %j is %s in a terminal', (settings, draws) => {
    expect(drawsScreen({ ...defaultSettings, ...settings }, streams(true))).toBe(draws);
    expect(drawsScreen({ ...defaultSettings, ...settings }, streams(false))).toBe(false);
  });
});

describe('typeFromTerminal', () => {
  it.each([
    ['ls\r', 'type l, type s, type \r'],
    ['\u001b[A', 'press ArrowUp, release ArrowUp'],
    ['\u001b[21~', 'press F10, release F10'],
    ['\u0003', 'press ControlLeft, type c, release ControlLeft'],
    ['\u001bx', 'press AltLeft, type x, release AltLeft'],
    ['\u007f', 'type \b'],
    ['\u001b', 'type \u001b'],
  ])('makes keys of %j', (text, keys) => {
    const seen: string[] = [];
    const keyboard: Keyboard = {
      type: (character) => void seen.push(`type ${character}`),
      press: (code) => void seen.push(`press ${code}`),
      release: (code) => void seen.push(`release ${code}`),
    };
    typeFromTerminal(new TextEncoder().encode(text), keyboard);
    expect(seen.join(', ')).toBe(keys);
  });
});
