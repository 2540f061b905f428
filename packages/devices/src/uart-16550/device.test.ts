import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { fuzzPorts, ProbeLine } from '../test-fuzz.ts';
import { Uart16550 } from './device.ts';
import {
  Rig,
  base,
  ierPort,
  iirPort,
  lcrPort,
  lsrPort,
  mcrPort,
  msrPort,
  rbr,
  running,
  scrPort,
} from './test-rig.ts';

describe('16550 registers', () => {
  it('has the reset values of data sheet table 1', () => {
    const rig = new Rig();
    expect([ierPort, iirPort, lcrPort, mcrPort, lsrPort].map((port) => rig.in(port))).toEqual([
      0, 0x01, 0, 0, 0x60,
    ]);
  });

  it('keeps the divisor behind DLAB', () => {
    const rig = new Rig();
    rig.out(lcrPort, 0x83);
    rig.out(rbr, 0x34);
    rig.out(ierPort, 0x12);
    expect([rig.in(rbr), rig.in(ierPort)]).toEqual([0x34, 0x12]);
    rig.out(lcrPort, 0x03);
    expect(rig.in(ierPort)).toBe(0);
  });

  it('has only the low bits of IER and MCR', () => {
    const rig = new Rig();
    rig.out(ierPort, 0xff);
    rig.out(mcrPort, 0xff);
    expect([rig.in(ierPort), rig.in(mcrPort)]).toEqual([0x0f, 0x1f]);
  });

  it('keeps the scratch register', () => {
    const rig = new Rig();
    rig.out(scrPort, 0xa5);
    expect(rig.in(scrPort)).toBe(0xa5);
  });

  it('ignores writes to the status registers', () => {
    const rig = new Rig();
    rig.out(lsrPort, 0xff);
    rig.out(msrPort, 0xff);
    expect([rig.in(lsrPort), rig.in(msrPort)]).toEqual([0x60, 0xb0]);
  });
});

describe('16550 transmitter', () => {
  it('sends what is written to THR', () => {
    const rig = running();
    rig.out(rbr, 0x48);
    rig.out(rbr, 0x69);
    expect(rig.sent).toEqual([0x48, 0x69]);
  });

  it('gives one interrupt for an empty transmitter, cleared by reading IIR', () => {
    const rig = running(0x02);
    rig.out(rbr, 0x48);
    expect(rig.irq.level).toBe(true);
    expect(rig.in(iirPort)).toBe(0xc2);
    expect(rig.irq.level).toBe(false);
    expect(rig.in(iirPort)).toBe(0xc1);
  });

  it('makes a new edge when THR is written without reading IIR', () => {
    const rig = running(0x02);
    rig.out(rbr, 0x48);
    const { rises } = rig.irq;
    rig.out(rbr, 0x69);
    expect(rig.irq.rises).toBe(rises + 1);
  });

  it('does not send in loopback', () => {
    const rig = running();
    rig.out(mcrPort, 0x1b);
    rig.out(rbr, 0x48);
    expect(rig.sent).toEqual([]);
    expect(rig.in(rbr)).toBe(0x48);
  });
});

describe('16550 receiver', () => {
  it('shows a byte in LSR and gives it once', () => {
    const rig = new Rig();
    rig.uart.receive([0x41]);
    expect(rig.in(lsrPort)).toBe(0x61);
    expect(rig.in(rbr)).toBe(0x41);
    expect(rig.in(lsrPort)).toBe(0x60);
  });

  it('asks for an interrupt at the trigger level', () => {
    for (const [fcr, level] of [
      [0x01, 1],
      [0x41, 4],
      [0x81, 8],
      [0xc1, 14],
    ] as const) {
      const rig = running(0x01);
      rig.out(iirPort, fcr);
      rig.uart.receive(new Uint8Array(level - 1));
      expect(rig.irq.level).toBe(false);
      rig.uart.receive([0]);
      expect(rig.irq.level).toBe(true);
      expect(rig.in(iirPort)).toBe(0xc4);
    }
  });

  it('reports a timeout four characters after the last, below the trigger level', () => {
    const rig = running(0x01);
    rig.uart.receive([0x41, 0x42]);
    rig.clock.advance(340_000);
    expect(rig.irq.level).toBe(false);
    rig.clock.advance(10_000);
    expect(rig.in(iirPort)).toBe(0xcc);
    rig.in(rbr);
    expect(rig.in(iirPort)).toBe(0xc1);
    rig.clock.advance(350_000);
    expect(rig.in(iirPort)).toBe(0xcc);
  });

  it('has no timeout without FIFOs', () => {
    const rig = running(0x01);
    rig.out(iirPort, 0x00);
    rig.uart.receive([0x41]);
    expect(rig.in(iirPort)).toBe(0x04);
    rig.in(rbr);
    rig.clock.advance(1e9);
    expect(rig.in(iirPort)).toBe(0x01);
  });

  it('feeds the FIFO from the queue as it drains, in order and without loss', () => {
    const rig = running(0x01);
    const bytes = Uint8Array.from({ length: 200 }, (_, index) => index);
    expect(rig.uart.receive(bytes)).toBe(200);
    const read = [];
    while ((rig.in(lsrPort) & 1) !== 0) {
      read.push(rig.in(rbr));
    }
    expect(read).toEqual([...bytes]);
  });

  it('makes an edge for each byte that follows another in the receive register', () => {
    const rig = running(0x01);
    rig.out(iirPort, 0x00);
    rig.uart.receive([1, 2, 3]);
    const { rises } = rig.irq;
    rig.in(rbr);
    rig.in(rbr);
    expect(rig.irq.rises).toBe(rises + 2);
  });

  it('takes no more input than its queue holds', () => {
    const rig = new Rig({ inputCapacity: 10 });
    expect(rig.uart.receive(new Uint8Array(8))).toBe(8);
    expect(rig.uart.receive(new Uint8Array(8))).toBe(3);
  });

  it('sets overrun when loopback overfills the FIFO, and keeps the first sixteen', () => {
    const rig = running();
    rig.out(mcrPort, 0x1b);
    for (let byte = 0; byte < 17; byte += 1) {
      rig.out(rbr, byte);
    }
    expect(rig.in(lsrPort) & 0x02).toBe(0x02);
    expect(rig.in(lsrPort) & 0x02).toBe(0x00);
    const read = Array.from({ length: 16 }, () => rig.in(rbr));
    expect(read.at(-1)).toBe(15);
  });

  it('overwrites the register on overrun without FIFOs', () => {
    const rig = new Rig();
    rig.out(mcrPort, 0x10);
    rig.out(rbr, 1);
    rig.out(rbr, 2);
    expect(rig.in(lsrPort) & 0x02).toBe(0x02);
    expect(rig.in(rbr)).toBe(2);
  });

  it('shows a break when its character comes to the top of the FIFO', () => {
    const rig = running(0x05);
    rig.uart.receive([0x41]);
    rig.uart.receiveBreak();
    expect(rig.in(lsrPort)).toBe(0xe1);
    rig.in(rbr);
    expect(rig.in(iirPort)).toBe(0xc6);
    expect(rig.in(lsrPort) & 0x90).toBe(0x90);
    expect(rig.in(rbr)).toBe(0);
  });

  it('loses what is in the FIFO when it is cleared, as hardware does', () => {
    const rig = running();
    rig.uart.receive([1, 2, 3]);
    rig.out(iirPort, 0xc3);
    expect(rig.in(lsrPort) & 1).toBe(0);
  });
});

describe('16550 modem lines and interrupts', () => {
  it('reports changes once, and the end of a ring', () => {
    const rig = running(0x08);
    rig.uart.setModemInputs(0x40);
    expect(rig.in(iirPort)).toBe(0xc0);
    expect(rig.in(msrPort)).toBe(0x4b);
    rig.uart.setModemInputs(0x00);
    expect(rig.in(msrPort)).toBe(0x04);
    expect(rig.in(msrPort)).toBe(0x00);
    expect(rig.in(iirPort)).toBe(0xc1);
  });

  it('wires the modem outputs to the inputs in loopback', () => {
    const rig = new Rig();
    const shown = [0x10, 0x11, 0x12, 0x14, 0x18].map((value) => {
      rig.out(mcrPort, value);
      return rig.in(msrPort) & 0xf0;
    });
    expect(shown).toEqual([0x00, 0x20, 0x10, 0x40, 0x80]);
  });

  it('names the cause with the highest priority first', () => {
    const rig = running();
    rig.uart.setModemInputs(0);
    rig.out(rbr, 0x48);
    rig.uart.receive(new Uint8Array(14));
    rig.uart.receiveBreak();
    const causes = [];
    causes.push(rig.in(iirPort) & 0x0f);
    for (let read = 0; read < 14; read += 1) {
      rig.in(rbr);
    }
    causes.push(rig.in(iirPort) & 0x0f);
    rig.in(lsrPort);
    rig.in(rbr);
    causes.push(rig.in(iirPort) & 0x0f, rig.in(iirPort) & 0x0f);
    rig.in(msrPort);
    causes.push(rig.in(iirPort) & 0x0f);
    expect(causes).toEqual([0x04, 0x06, 0x02, 0x00, 0x01]);
  });

  it('asks for no interrupt while OUT2 is clear', () => {
    const rig = running();
    rig.out(mcrPort, 0x03);
    rig.out(rbr, 0x48);
    expect(rig.irq.level).toBe(false);
    rig.out(mcrPort, 0x0b);
    expect(rig.irq.level).toBe(true);
  });
});

describe('16550 state and hostility', () => {
  it('continues with FIFO, queue and timeout from a saved state', () => {
    const rig = running(0x01);
    rig.uart.receive([5, 6]);
    const other = new Rig();
    other.uart.restore(structuredClone(rig.uart.save()));
    other.clock.advance(400_000);
    expect(other.irq.level).toBe(true);
    expect([other.in(rbr), other.in(rbr)]).toEqual([5, 6]);
  });

  it('keeps input through a reset', () => {
    const rig = new Rig();
    rig.uart.receive([1, 2, 3]);
    rig.uart.reset();
    expect(rig.in(rbr)).toBe(2);
  });

  it('survives random accesses', () => {
    const clock = new ManualClock();
    let sent = 0;
    const make = (): Uart16550 =>
      new Uart16550({
        base,
        clock,
        timers: clock,
        irq: new ProbeLine(),
        output: { write: () => (sent += 1) },
        input: 'when-listening',
        inputCapacity: 100,
      });
    fuzzPorts({
      make,
      clock,
      between: (device, random) => {
        const uart = device as Uart16550;
        uart.receive(new Uint8Array(random.below(40)));
        uart.setModemInputs(random.below(256));
        uart.receiveBreak();
      },
    });
    expect(sent).toBeGreaterThan(0);
  });
});
