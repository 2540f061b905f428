/** Gives PCI functions their places and interrupts, as a BIOS does before it boots. */
import type { PortBus } from '@ringfence/devices';

import { pciMemoryFirst } from '../firmware.ts';

const addressPort = 0xcf8;
const dataPort = 0xcfc;
const firstPort = 0xc000;
const register = { command: 0x04, header: 0x0e, bars: 0x10, line: 0x3c, pin: 0x3d } as const;
/** Answers to the ports and addresses that were given. */
const openBits = 0x0003;
/** The ISA bridge and its registers of pins A to D, which become these requests. */
const bridge = { slot: 1, pins: 0x60, irqs: [10, 10, 11, 11] } as const;

/** Reads 32 bits of a function's configuration space. */
export function readPci(ports: PortBus, slot: number, index: number, offset: number): number {
  select(ports, slot, index, offset);
  return ports.readPort(dataPort, 4);
}

/** Sets up all functions of bus 0: base addresses, interrupt lines, commands. */
export function setUpPci(ports: PortBus): void {
  const next = { memory: pciMemoryFirst, port: firstPort };
  for (const [pin, irq] of bridge.irqs.entries()) {
    select(ports, bridge.slot, 0, bridge.pins);
    ports.writePort(dataPort + pin, 1, irq);
  }
  for (let slot = 0; slot < 32; slot += 1) {
    for (let index = 0; index < 8; index += 1) {
      const isThere = (readPci(ports, slot, index, 0) & 0xffff) !== 0xffff;
      if (isThere) {
        setUpFunction(ports, slot, index, next);
      }
      const header = readPci(ports, slot, 0, register.header & ~3) >>> 16;
      if (index === 0 && (!isThere || (header & 0x80) === 0)) {
        break;
      }
    }
  }
}

function setUpFunction(
  ports: PortBus,
  slot: number,
  index: number,
  next: { memory: number; port: number },
): void {
  const write = (offset: number, value: number): void => {
    select(ports, slot, index, offset);
    ports.writePort(dataPort, 4, value >>> 0);
  };
  const command = readPci(ports, slot, index, register.command) & 0xffff;
  write(register.command, command & ~openBits);
  let has = 0;
  for (let bar = 0; bar < 6; bar += 1) {
    const offset = register.bars + 4 * bar;
    write(offset, 0xffff_ffff);
    const mask = readPci(ports, slot, index, offset) | 0;
    if (mask === 0) {
      continue;
    }
    const isPort = (mask & 1) !== 0;
    const size = -(isPort ? (mask & ~3) | ~0xffff : mask & ~15) >>> 0;
    const place = isPort ? 'port' : 'memory';
    const base = Math.ceil(next[place] / size) * size;
    next[place] = base + size;
    write(offset, base);
    has |= openBits;
    // The upper half of a 64-bit address stays 0.
    if (!isPort && (mask & 6) === 4) {
      bar += 1;
    }
  }
  const pin = (readPci(ports, slot, index, register.line) >>> 8) & 0xff;
  if (pin >= 1 && pin <= 4) {
    select(ports, slot, index, register.line);
    ports.writePort(dataPort, 1, bridge.irqs[(slot + pin - 2) & 3] ?? 0);
  }
  write(register.command, (command & ~openBits) | has);
}

function select(ports: PortBus, slot: number, index: number, offset: number): void {
  ports.writePort(
    addressPort,
    4,
    (0x8000_0000 | (slot << 11) | (index << 8) | (offset & ~3)) >>> 0,
  );
}
