import { describe, expect, it } from 'vitest';
import { Word } from './descriptor.ts';
import { Segment } from './state.ts';
import { Page, Sel, TestMachine, tssBase } from './test-machine.ts';

/** A machine at CPL 3, IOPL 0, whose I/O map at 0x88 allows the ports given. */
function user(...ports: number[]): TestMachine {
  const machine = new TestMachine();
  machine.enter(3);
  machine.memory.poke(tssBase + 0x88 + 0x10, 0xff, 1);
  for (const port of ports) {
    const at = tssBase + 0x88 + (port >> 3);
    machine.memory.poke(at, machine.memory.peek(at, 1) & ~(1 << (port & 7)), 1);
  }
  return machine;
}

const check = (machine: TestMachine, port: number, bytes = 1): string =>
  machine.run((unit) => unit.checkIo(port, bytes));

describe('I/O permission (SDM 1 19.5)', () => {
  it('is free in real mode and at CPL up to IOPL', () => {
    const machine = user();
    for (let cpl = 0; cpl < 4; cpl++) {
      for (let iopl = 0; iopl < 4; iopl++) {
        machine.enter(cpl);
        machine.flags = (iopl << 12) | 2;
        expect(check(machine, 0x80)).toBe(cpl <= iopl ? 'none' : '#GP(0x0)');
      }
    }
    machine.enterReal();
    expect(check(machine, 0x80)).toBe('none');
  });

  it('depends on the map alone in virtual-8086 mode', () => {
    const machine = user(0x80);
    machine.enterVirtual8086(3);
    expect(check(machine, 0x80)).toBe('none');
    expect(check(machine, 0x81)).toBe('#GP(0x0)');
  });

  it.each([
    [0x80, 1, [0x80], 'none'],
    [0x80, 1, [0x81], '#GP(0x0)'],
    [0x80, 2, [0x80, 0x81], 'none'],
    [0x80, 2, [0x80], '#GP(0x0)'],
    [0x80, 4, [0x80, 0x81, 0x82, 0x83], 'none'],
    [0x80, 4, [0x80, 0x81, 0x82], '#GP(0x0)'],
    [0x87, 2, [0x87, 0x88], 'none'],
    [0x87, 2, [0x87], '#GP(0x0)'],
    [0x86, 4, [0x86, 0x87, 0x88, 0x89], 'none'],
    [0x86, 4, [0x86, 0x87, 0x88], '#GP(0x0)'],
  ])('port %i, %i bytes, allowed %j: %s', (port, bytes, ports, expected) => {
    expect(check(user(...ports), port, bytes)).toBe(expected);
  });

  it('reads two bytes of the map, which must lie in the TSS', () => {
    const machine = user(0x80);
    machine.words[Segment.tr + Word.limit] = 0x88 + 0x11;
    expect(check(machine, 0x80)).toBe('none');
    machine.words[Segment.tr + Word.limit] = 0x88 + 0x10;
    expect(check(machine, 0x80)).toBe('#GP(0x0)');
  });

  it('denies everything without a map', () => {
    const machine = user(0x80);
    machine.memory.poke(tssBase + 102, 0xffff, 2);
    expect(check(machine, 0x80)).toBe('#GP(0x0)');
    const short = user(0x80);
    short.words[Segment.tr + Word.limit] = 102;
    expect(check(short, 0x80)).toBe('#GP(0x0)');
    const old = user(0x80);
    old.system(Segment.tr, Sel.otherTss16, 0x83, tssBase, 0x1fff);
    expect(check(old, 0x80)).toBe('#GP(0x0)');
  });

  it('reads the TSS with supervisor privilege and passes on page faults', () => {
    const machine = user(0x80);
    machine.memory.pages[tssBase >> 12] = Page.supervisor;
    expect(check(machine, 0x80)).toBe('none');
    for (const access of [0, 1]) {
      machine.memory.failAfter = access;
      expect(check(machine, 0x80)).toBe('#PF(0x0)');
    }
  });

  it('covers port 0xffff', () => {
    const machine = user();
    machine.memory.poke(tssBase + 102, 0, 2);
    machine.words[Segment.tr + Word.limit] = 0x2000;
    machine.memory.poke(tssBase + 0x1fff, 0x7f, 2);
    expect(check(machine, 0xffff)).toBe('none');
    expect(check(machine, 0xffff, 2)).toBe('none');
    machine.memory.poke(tssBase + 0x2000, 1, 1);
    expect(check(machine, 0xffff, 2)).toBe('#GP(0x0)');
  });
});
