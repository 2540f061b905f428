import { describe, expect, it } from 'vitest';
import { Rig, ierPort, iirPort, lcrPort, lsrPort, mcrPort, msrPort, rbr } from './test-rig.ts';

describe('16550 as operating systems probe it', () => {
  it('passes the probe of the Linux 8250 driver and is found to be a 16550A', () => {
    const rig = new Rig();
    rig.out(ierPort, 0x00);
    expect(rig.in(ierPort) & 0x0f).toBe(0x00);
    rig.out(ierPort, 0x0f);
    expect(rig.in(ierPort) & 0x0f).toBe(0x0f);
    rig.out(ierPort, 0x00);
    rig.out(mcrPort, 0x1a);
    expect(rig.in(msrPort) & 0xf0).toBe(0x90);
    rig.out(mcrPort, 0x00);
    rig.out(lcrPort, 0xbf);
    rig.out(iirPort, 0x00);
    rig.out(lcrPort, 0x00);
    rig.out(iirPort, 0x01);
    expect(rig.in(iirPort) >> 6).toBe(3);
    // A 16650 has its EFR at offset 2 behind LCR 0xbf; a 16750 has a 64-byte bit in the IIR.
    rig.out(lcrPort, 0xbf);
    expect(rig.in(iirPort)).not.toBe(0);
    rig.out(lcrPort, 0x80);
    rig.out(iirPort, 0x21);
    expect(rig.in(iirPort) >> 5).toBe(6);
    rig.out(lcrPort, 0x00);
    // An XScale UART has a unit enable bit in the IER.
    rig.out(ierPort, 0x40);
    expect(rig.in(ierPort) & 0x40).toBe(0);
  });

  it('raises the transmitter interrupt at each enable, as Linux demands at start-up', () => {
    const rig = new Rig();
    for (let round = 0; round < 2; round += 1) {
      rig.out(ierPort, 0x02);
      expect(rig.in(iirPort) & 0x0f).toBe(0x02);
      rig.out(ierPort, 0x00);
    }
  });

  it('passes the probe of Windows: divisor, loopback and FIFO bits, LSR not all ones', () => {
    const rig = new Rig();
    rig.out(lcrPort, 0x80);
    rig.out(rbr, 0x0c);
    rig.out(ierPort, 0x00);
    expect(rig.in(rbr)).toBe(0x0c);
    rig.out(lcrPort, 0x03);
    rig.out(mcrPort, 0x10);
    rig.out(rbr, 0x5a);
    expect(rig.in(lsrPort) & 0x61).toBe(0x61);
    expect(rig.in(rbr)).toBe(0x5a);
    expect(rig.in(lsrPort)).not.toBe(0xff);
    rig.out(iirPort, 0x01);
    expect(rig.in(iirPort) & 0xc0).toBe(0xc0);
    rig.out(iirPort, 0x00);
    expect(rig.in(iirPort) & 0xc0).toBe(0x00);
  });
});

describe('16550 that holds input until the receiver listens', () => {
  it('keeps typed-ahead input through a start-up that clears FIFOs and reads RBR', () => {
    const rig = new Rig({ input: 'when-listening' });
    rig.uart.receive([1, 2, 3]);
    rig.out(iirPort, 0x01);
    rig.out(iirPort, 0x07);
    rig.out(iirPort, 0x00);
    rig.in(lsrPort);
    rig.in(rbr);
    rig.in(iirPort);
    rig.in(msrPort);
    rig.out(iirPort, 0x01);
    rig.out(ierPort, 0x05);
    expect(Array.from({ length: 3 }, () => rig.in(rbr))).toEqual([1, 2, 3]);
  });

  it('gives input to a receiver that polls LSR', () => {
    const rig = new Rig({ input: 'when-listening' });
    rig.uart.receive([7]);
    expect(rig.in(lsrPort) & 1).toBe(0);
    expect(rig.in(lsrPort) & 1).toBe(1);
    expect(rig.in(rbr)).toBe(7);
  });

  it('takes cleared bytes back in order', () => {
    const rig = new Rig({ input: 'when-listening' });
    rig.out(iirPort, 0x01);
    rig.out(ierPort, 0x01);
    rig.uart.receive(Uint8Array.from({ length: 20 }, (_, index) => index));
    rig.out(iirPort, 0x03);
    expect(Array.from({ length: 20 }, () => rig.in(rbr))).toEqual([
      ...Array.from({ length: 20 }, (_, index) => index),
    ]);
  });
});
