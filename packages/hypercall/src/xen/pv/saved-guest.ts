/**
 * A paravirtual guest's own state as lists of numbers, beside what every Xen guest has: page types,
 * traps, tables in use. Its page tables, and the hypervisor's part, are saved with its memory.
 */
import type { Callback, FarPointer, PvGuest, TrapHandler } from './guest.ts';

type Lists = Readonly<Record<string, readonly number[]>>;
const trapWords = 5;
const none = -1;

/** Returns the lists. */
export function savePvGuest(guest: PvGuest): Lists {
  const { domain, info, eventCallback, failsafeCallback, kernelStack, portMap } = guest;
  const { cmosIndex, configurationAddress } = guest.ports;
  const pointer = (one: FarPointer | Callback | undefined): readonly number[] =>
    one === undefined
      ? [none, 0, 0]
      : [one.selector, one.offset, 'masks' in one && one.masks ? 1 : 0];
  return {
    ...info.save(domain.heldToWrite),
    traps: guest.traps.flatMap((trap, vector) => (trap === undefined ? [] : trapOf(trap, vector))),
    callbacks: [eventCallback, failsafeCallback, guest.sysenterCallback].flatMap(pointer),
    nmi: [guest.nmiPending ? 1 : 0, guest.nmiMasked ? 1 : 0],
    kernelStack: [kernelStack.selector, kernelStack.offset],
    tables: [guest.base, guest.ldtSelector],
    gdt: guest.gdt,
    ldt: guest.ldt.save(),
    leaving: guest.leaving,
    freeFrames: guest.freeFrames,
    debugRegisters: [...guest.debug.registers],
    flags: [guest.taskSwitched ? 1 : 0, guest.actions, guest.ioPrivilege, guest.control4],
    portMap: [portMap.address, portMap.ports, cmosIndex, configurationAddress],
    rings: [domain.storePage, domain.consolePage, domain.endsPage],
    interruptsGiven: guest.interruptsGiven,
  };
}

/** Takes over lists that `savePvGuest` returned. */
export function restorePvGuest(guest: PvGuest, list: (name: string) => readonly number[]): void {
  guest.reset();
  guest.info.restore(list);
  const traps = list('traps');
  for (let at = 0; at + trapWords <= traps.length; at += trapWords) {
    const [vector = 0, selector = 0, address = 0, level = 0, masks = 0] = traps.slice(at);
    guest.traps[vector] = { selector, address, level, masks: masks === 1 };
  }
  const callbacks = list('callbacks');
  const callback = (index: number): Callback | undefined => {
    const [selector = none, offset = 0, masks = 0] = callbacks.slice(index * 3);
    return selector === none ? undefined : { selector, offset, masks: masks === 1 };
  };
  guest.eventCallback = callback(0);
  guest.failsafeCallback = callback(1);
  guest.sysenterCallback = callback(2);
  const [nmiPending = 0, nmiMasked = 0] = list('nmi');
  guest.nmiPending = nmiPending === 1;
  guest.nmiMasked = nmiMasked === 1;
  const [selector = 0, offset = 0] = list('kernelStack');
  guest.kernelStack = { selector, offset };
  const [base = 0, ldtSelector = 0] = list('tables');
  guest.base = base;
  guest.ldtSelector = ldtSelector;
  guest.gdt = list('gdt');
  guest.ldt.restore(list('ldt'));
  guest.leaving.push(...list('leaving'));
  guest.freeFrames.push(...list('freeFrames'));
  const { registers } = guest.debug;
  registers.set(list('debugRegisters').slice(0, registers.length));
  const [taskSwitched = 0, actions = 0, ioPrivilege = 0, control4 = 0] = list('flags');
  guest.taskSwitched = taskSwitched === 1;
  guest.ioPrivilege = ioPrivilege;
  guest.setControl4(control4);
  guest.actions = actions;
  const [address = 0, ports = 0, cmosIndex = 0, configurationAddress = 0] = list('portMap');
  guest.portMap = { address, ports };
  guest.ports.cmosIndex = cmosIndex;
  guest.ports.configurationAddress = configurationAddress;
  const [pins = 0, messages = 0] = list('interruptsGiven');
  guest.interruptsGiven = [pins, messages];
  const [storePage = 0, consolePage = 0, endsPage = 0] = list('rings');
  guest.domain.storePage = storePage;
  guest.domain.consolePage = consolePage;
  guest.domain.endsPage = endsPage;
}

function trapOf(trap: TrapHandler, vector: number): readonly number[] {
  return [vector, trap.selector, trap.address, trap.level, trap.masks ? 1 : 0];
}
