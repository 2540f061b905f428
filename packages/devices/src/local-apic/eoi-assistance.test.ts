import { describe, expect, it } from 'vitest';
import { apicRegister as at } from './registers.ts';
import { Rig } from './test-rig.ts';

/** The word that KVM's PV EOI shares with the guest. */
class SharedBit {
  set = false;
  offers = 0;

  offer(): boolean {
    this.offers += 1;
    this.set = true;
    return true;
  }

  withdraw(): boolean {
    const ended = !this.set;
    this.set = false;
    return ended;
  }
}

describe('local APIC with assisted ends of interrupts', () => {
  it('ends an interrupt whose bit the guest has cleared, when the next one comes', () => {
    const bit = new SharedBit();
    const rig = Rig.enabled({ eoiAssist: bit });
    rig.send(0x40);
    rig.apic.acknowledge();
    expect(bit.set).toBe(true);
    bit.set = false;
    rig.send(0x40);
    expect([rig.interrupt.level, rig.apic.acknowledge()]).toEqual([true, 0x40]);
  });

  it('shows an ISR without it when the guest looks', () => {
    const bit = new SharedBit();
    const rig = Rig.enabled({ eoiAssist: bit });
    rig.send(0x41);
    rig.apic.acknowledge();
    bit.set = false;
    expect([rig.read(at.inService + 0x20), rig.read(at.processorPriority)]).toEqual([0, 0]);
  });

  it('takes the offer back when another interrupt waits for the end', () => {
    const bit = new SharedBit();
    const rig = Rig.enabled({ eoiAssist: bit });
    rig.send(0x40);
    rig.apic.acknowledge();
    rig.send(0x41);
    expect([bit.set, rig.interrupt.level]).toEqual([false, false]);
    rig.write(at.endOfInterrupt, 0);
    expect([rig.interrupt.level, rig.apic.acknowledge()]).toEqual([true, 0x41]);
  });

  it('offers nothing for level-triggered interrupts, nor with another one waiting', () => {
    const bit = new SharedBit();
    const rig = Rig.enabled({ eoiAssist: bit });
    rig.send(0x40, true);
    rig.apic.acknowledge();
    rig.write(at.endOfInterrupt, 0);
    rig.send(0x50);
    rig.send(0x60);
    rig.apic.acknowledge();
    expect(bit.offers).toBe(0);
  });

  it('ends both of two nested interrupts, the inner one by its bit', () => {
    const bit = new SharedBit();
    const rig = Rig.enabled({ eoiAssist: bit });
    rig.send(0x40);
    rig.apic.acknowledge();
    rig.send(0x50);
    rig.apic.acknowledge();
    bit.set = false;
    rig.write(at.endOfInterrupt, 0);
    expect(rig.read(at.processorPriority)).toBe(0);
  });

  it('keeps an offer over save and restore', () => {
    const bit = new SharedBit();
    const rig = Rig.enabled({ eoiAssist: bit });
    rig.send(0x40);
    rig.apic.acknowledge();
    const other = new Rig({ eoiAssist: bit });
    other.apic.restore(rig.apic.save());
    bit.set = false;
    other.send(0x40);
    expect(other.interrupt.level).toBe(true);
  });
});
