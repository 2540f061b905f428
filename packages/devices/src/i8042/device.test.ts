import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { fuzzPorts, ProbeLine } from '../test-fuzz.ts';
import { I8042 } from './device.ts';
import { keyCodes, set2Bytes, translateToSet1 } from './scan-codes.ts';
import { Rig } from './test-rig.ts';

/** A rig without translation, where bytes are what the keyboard sends. */
function untranslated(): Rig {
  const rig = new Rig();
  rig.command(0x60, 0x03);
  return rig;
}

it('the system flag is clear after reset, and set once the self-test has passed', () => {
  const rig = new Rig();
  const before = rig.status();
  rig.command(0xaa);
  expect([before, rig.drain(), rig.status() & 4]).toEqual([0x18, [0x55], 4]);
  rig.i8042.reset();
  expect(rig.status()).toBe(0x18);
});

describe('8042 controller', () => {
  it('answers its tests', () => {
    const rig = new Rig();
    const answers = [0xaa, 0xab, 0xa9].map((command) => {
      rig.command(command);
      return rig.drain();
    });
    expect(answers).toEqual([[0x55], [0x00], [0x00]]);
  });

  it('reads back the command byte and its RAM', () => {
    const rig = new Rig();
    rig.command(0x60, 0x61);
    rig.command(0x7f, 0xa5);
    rig.command(0x20);
    expect(rig.data()).toBe(0x61);
    rig.command(0x3f);
    expect(rig.data()).toBe(0xa5);
  });

  it('tells commands from data in the status', () => {
    const rig = new Rig();
    rig.command(0x60);
    expect(rig.status() & 0x08).toBe(0x08);
    rig.i8042.writePort(0x60, 1, 0x65);
    expect(rig.status() & 0x08).toBe(0);
  });

  it('drives address line 20 through the output port', () => {
    const rig = new Rig();
    expect(rig.a20.level).toBe(true);
    rig.command(0xd1, 0xdd);
    expect(rig.a20.level).toBe(false);
    rig.command(0xd0);
    expect(rig.data() & 0x02).toBe(0);
    rig.command(0xd1, 0xdf);
    expect(rig.a20.level).toBe(true);
  });

  it('resets the CPU by a pulse and through the output port', () => {
    const rig = new Rig();
    rig.command(0xfe);
    rig.command(0xff);
    rig.command(0xd1, 0xde);
    expect(rig.resets).toBe(2);
  });

  it('returns bytes written to the output buffer, as keyboard or as mouse', () => {
    const rig = new Rig();
    rig.command(0x60, 0x47);
    rig.command(0xd2, 0x12);
    expect([rig.keyboardIrq.level, rig.status() & 0x21]).toEqual([true, 0x01]);
    expect(rig.data()).toBe(0x12);
    rig.command(0xd3, 0x34);
    expect([rig.mouseIrq.level, rig.status() & 0x21]).toEqual([true, 0x21]);
    expect(rig.data()).toBe(0x34);
  });

  it('reads the last byte again when the buffer is empty', () => {
    const rig = new Rig();
    rig.i8042.key('KeyA', true);
    expect([rig.data(), rig.data(), rig.data()]).toEqual([0x1e, 0x1e, 0x1e]);
  });
});

describe('8042 keyboard', () => {
  it('sends set 1 through the translation, with an interrupt for each byte', () => {
    const rig = new Rig();
    rig.i8042.key('KeyA', true);
    expect(rig.keyboardIrq.level).toBe(true);
    rig.i8042.key('KeyA', false);
    expect(rig.drain()).toEqual([0x1e, 0x9e]);
    expect([rig.keyboardIrq.level, rig.keyboardIrq.rises]).toEqual([false, 2]);
  });

  it('sends set 2 without the translation', () => {
    const rig = untranslated();
    rig.i8042.key('ArrowUp', true);
    rig.i8042.key('ArrowUp', false);
    expect(rig.drain()).toEqual([0xe0, 0x75, 0xe0, 0xf0, 0x75]);
  });

  it('sends set 1 itself when told to', () => {
    const rig = untranslated();
    expect(rig.keyboard(0xf0, 0x01)).toEqual([0xfa, 0xfa]);
    rig.i8042.key('ArrowUp', true);
    rig.i8042.key('ArrowUp', false);
    expect(rig.drain()).toEqual([0xe0, 0x48, 0xe0, 0xc8]);
    expect(rig.keyboard(0xf0, 0x00)).toEqual([0xfa, 0xfa, 0x01]);
  });

  it('sends the sequences of Pause and Print Screen', () => {
    const rig = new Rig();
    rig.i8042.key('Pause', true);
    rig.i8042.key('Pause', false);
    expect(rig.drain()).toEqual([0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5]);
    rig.i8042.key('PrintScreen', true);
    rig.i8042.key('PrintScreen', false);
    expect(rig.drain()).toEqual([0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa]);
  });

  it('leaves the time between two bytes that a handler which reads twice needs', () => {
    const rig = new Rig();
    rig.i8042.key('KeyA', true);
    rig.i8042.key('KeyB', true);
    expect([rig.data(), rig.data()]).toEqual([0x1e, 0x1e]);
    rig.clock.advance(300_000);
    expect(rig.data()).toBe(0x30);
  });

  it('identifies itself, translated as all its bytes', () => {
    expect(untranslated().keyboard(0xf2)).toEqual([0xfa, 0xab, 0x83]);
    expect(new Rig().keyboard(0xf2)).toEqual([0xfa, 0xab, 0x41]);
  });

  it('resets, echoes, and refuses what is no command', () => {
    const rig = untranslated();
    expect(rig.keyboard(0xff)).toEqual([0xfa, 0xaa]);
    expect(rig.keyboard(0xee)).toEqual([0xee]);
    expect(rig.keyboard(0x12)).toEqual([0xfe]);
    expect(rig.keyboard(0xf3, 0x20)).toEqual([0xfa, 0xfa]);
  });

  it('switches its lights', () => {
    const rig = untranslated();
    expect(rig.keyboard(0xed, 0x06)).toEqual([0xfa, 0xfa]);
    expect(rig.leds).toBe(6);
  });

  it('takes a command in place of a parameter', () => {
    const rig = untranslated();
    expect(rig.keyboard(0xed, 0xf4)).toEqual([0xfa, 0xfa]);
    expect(rig.leds).toBe(0);
  });

  it('sends its last byte again', () => {
    const rig = untranslated();
    rig.i8042.key('KeyA', true);
    rig.drain();
    expect(rig.keyboard(0xfe)).toEqual([0x1c]);
  });

  it('is silent while it is off, and keeps what comes while only its line is off', () => {
    const rig = untranslated();
    rig.keyboard(0xf5);
    rig.i8042.key('KeyA', true);
    expect(rig.drain()).toEqual([]);
    rig.keyboard(0xf4);
    rig.command(0xad);
    rig.i8042.key('KeyB', true);
    expect(rig.drain()).toEqual([]);
    rig.command(0xae);
    expect(rig.drain()).toEqual([0x32]);
  });

  it('says that its queue is full, sends one overrun code, and goes on', () => {
    const rig = untranslated();
    let taken = 0;
    while (taken < 100 && rig.i8042.key(taken % 2 === 0 ? 'KeyA' : 'KeyB', true)) taken += 1;
    for (let press = 0; press < 10; press += 1) expect(rig.i8042.key('KeyC', true)).toBe(false);
    const keys = Array.from({ length: taken }, (_, press) => (press % 2 === 0 ? 0x1c : 0x32));
    expect(taken).toBeLessThan(70);
    expect(rig.drain()).toEqual([...keys, 0x00]);
    expect(rig.i8042.key('KeyC', true)).toBe(true);
  });

  it('ignores keys that it does not have', () => {
    const rig = new Rig();
    expect(rig.i8042.key('toString', true)).toBe(true);
    expect(rig.drain()).toEqual([]);
  });

  it('has a different set 1 code for each key of set 2 (F9 and Insert among them)', () => {
    const codes = keyCodes.map((code) => {
      const bytes = set2Bytes(code, true) ?? [];
      return bytes.map((byte) => translateToSet1(byte).toString(16)).join(' ');
    });
    expect(new Set(codes).size).toBe(keyCodes.length);
    expect([codes[keyCodes.indexOf('F9')], codes[keyCodes.indexOf('Insert')]]).toEqual([
      '43',
      'e0 52',
    ]);
  });
});

describe('8042 mouse', () => {
  it('resets and identifies itself as three buttons', () => {
    const rig = new Rig();
    expect(rig.mouse(0xff)).toEqual([0xfa, 0xaa, 0x00]);
    expect(rig.mouse(0xf2)).toEqual([0xfa, 0x00]);
  });

  it('reports movement and buttons in three bytes once it is on', () => {
    const rig = new Rig();
    rig.command(0x60, 0x47);
    rig.i8042.mouseMove(1, 1, 0, 0);
    expect(rig.drain()).toEqual([]);
    rig.mouse(0xf4);
    rig.i8042.mouseMove(5, 3, 0, 1);
    expect(rig.mouseIrq.level).toBe(true);
    expect(rig.drain()).toEqual([0x29, 0x05, 0xfd]);
    rig.i8042.mouseMove(0, 0, 0, 0);
    expect(rig.drain()).toEqual([0x08, 0, 0]);
  });

  it('splits movement that does not fit into one report', () => {
    const rig = new Rig();
    rig.mouse(0xf4);
    rig.i8042.mouseMove(-300, 0, 0, 0);
    expect(rig.drain()).toEqual([0x18, 0x01, 0x00, 0x18, 0xd3, 0x00]);
  });

  it('has a wheel once a driver knocks with 200, 100, 80', () => {
    const rig = new Rig();
    rig.mouse(0xf3, 200, 0xf3, 100, 0xf3, 80);
    expect(rig.mouse(0xf2)).toEqual([0xfa, 0x03]);
    rig.mouse(0xf4);
    rig.i8042.mouseMove(0, 0, -1, 0);
    expect(rig.drain()).toEqual([0x08, 0, 0, 0xff]);
  });

  it('has five buttons once a driver knocks with 200, 200, 80 after that', () => {
    const rig = new Rig();
    rig.mouse(0xf3, 200, 0xf3, 100, 0xf3, 80);
    rig.mouse(0xf3, 200, 0xf3, 200, 0xf3, 80);
    expect(rig.mouse(0xf2)).toEqual([0xfa, 0x04]);
    rig.mouse(0xf4);
    rig.i8042.mouseMove(0, 0, 1, 0x18);
    expect(rig.drain()).toEqual([0x08, 0, 0, 0x31]);
  });

  it('tells its status', () => {
    const rig = new Rig();
    rig.mouse(0xe7, 0xe8, 0x03, 0xf3, 40, 0xf4);
    rig.i8042.mouseMove(0, 0, 0, 1);
    rig.drain();
    expect(rig.mouse(0xe9)).toEqual([0xfa, 0x34, 0x03, 40]);
  });

  it('reports on request in remote mode', () => {
    const rig = new Rig();
    rig.mouse(0xf4, 0xf0);
    rig.i8042.mouseMove(7, 0, 0, 0);
    expect(rig.drain()).toEqual([]);
    expect(rig.mouse(0xeb)).toEqual([0xfa, 0x08, 0x07, 0x00]);
  });

  it('echoes in wrap mode until told to stop', () => {
    const rig = new Rig();
    expect(rig.mouse(0xee, 0x12, 0xf4, 0xec)).toEqual([0xfa, 0x12, 0xf4, 0xfa]);
  });

  it('adds up movement that the guest does not take, within bounds', () => {
    const rig = new Rig();
    rig.mouse(0xf4);
    for (let move = 0; move < 10_000; move += 1) {
      rig.i8042.mouseMove(100, 0, 0, 0);
    }
    expect(rig.drain().length).toBeLessThan(120);
  });
});

describe('8042 state and hostility', () => {
  it('continues from a saved state', () => {
    const rig = new Rig();
    rig.command(0xd1, 0xdd);
    rig.i8042.key('KeyA', true);
    rig.i8042.key('KeyB', true);
    const other = new Rig();
    other.i8042.restore(JSON.parse(JSON.stringify(rig.i8042.save())));
    expect([other.a20.level, other.keyboardIrq.level]).toEqual([false, true]);
    expect(other.drain()).toEqual([0x1e, 0x30]);
  });

  it('opens address line 20 and drops its bytes on reset', () => {
    const rig = new Rig();
    rig.command(0xd1, 0xdd);
    rig.i8042.key('KeyA', true);
    rig.i8042.reset();
    expect([rig.a20.level, rig.keyboardIrq.level, rig.drain()]).toEqual([true, false, []]);
  });

  it('survives random accesses, keys and movement', () => {
    const clock = new ManualClock();
    fuzzPorts({
      make: () =>
        new I8042({
          clock,
          timers: clock,
          keyboardIrq: new ProbeLine(),
          mouseIrq: new ProbeLine(),
          a20: new ProbeLine(),
          requestReset: () => undefined,
        }),
      clock,
      between: (device, random) => {
        const i8042 = device as I8042;
        i8042.key(keyCodes[random.below(keyCodes.length)] ?? '', random.below(2) === 0);
        i8042.mouseMove(
          random.below(600) - 300,
          random.below(9) - 4,
          random.below(40) - 20,
          random.below(64),
        );
      },
    });
  });
});
