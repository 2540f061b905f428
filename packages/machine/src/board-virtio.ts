/**
 * What connects virtio devices to the board, and those that are no disks.
 *
 *     00:06  console          00:07  entropy          00:08 to 17  disks (board-storage.ts)
 */
import { messageSignalled, pirqOf, VirtioConsole, VirtioEntropy } from '@ringfence/devices';
import type { ByteSink, LocalApic, MessageTarget, VirtioPciConnections } from '@ringfence/devices';

import type { Board } from './board.ts';
import { pirqRoutes } from './firmware.ts';

const consoleDevice = 6;
const entropyDevice = 7;
/** Where the registers of virtio devices stand without firmware, by device number. */
const virtioMemory = 0xfe80_0000;
const virtioMemoryBytes = 0x8000;
/** Writes of devices to the addresses from here on are messages to local APICs (SDM 3A 10.11). */
const messageFirst = 0xfee0_0000;
const messageEnd = 0xfef0_0000;

/** The number of the console's serial handle, behind those of the serial ports. */
export const virtioConsoleLine = 4;

/** Returns where message-signalled interrupts of devices go; nowhere without a local APIC. */
export function messageTarget(apic: LocalApic | undefined): MessageTarget | undefined {
  if (apic === undefined) return undefined;
  return {
    send: (address, data) => {
      if (address >= messageFirst && address < messageEnd) {
        apic.receive(messageSignalled(address, data));
      }
    },
  };
}

/** Returns what a virtio device in a place of the board is connected to. */
export function virtioConnections(
  board: Board,
  device: number,
  messages: MessageTarget | undefined,
): VirtioPciConnections {
  return {
    memory: board.memory,
    addressSpace: board.pciAddressSpace,
    irq: board.pciIrq(device, 1),
    address: virtioMemory + device * virtioMemoryBytes,
    interruptLine: pirqRoutes[pirqOf(device, 1)] ?? 0,
    ...(messages === undefined ? {} : { messages }),
  };
}

/** Which virtio devices a machine has besides disks. */
export interface VirtioExtras {
  readonly messages: MessageTarget | undefined;
  /** Where a console's output goes; without it there is none. */
  readonly console?: ByteSink;
  /** Returns 32 random bits for an entropy device; without it there is none. */
  readonly random32?: () => number;
}

/** Puts virtio devices on the board and returns the console, if there is one. */
export function addVirtio(board: Board, extras: VirtioExtras): VirtioConsole | undefined {
  const { messages, console: output, random32 } = extras;
  if (random32 !== undefined) {
    const connections = virtioConnections(board, entropyDevice, messages);
    const entropy = new VirtioEntropy({ ...connections, random32 });
    board.pci.add(entropyDevice, 0, board.own('virtio-entropy', entropy));
  }
  if (output === undefined) return undefined;
  const connections = virtioConnections(board, consoleDevice, messages);
  const console = board.own('virtio-console', new VirtioConsole({ ...connections, output }));
  board.pci.add(consoleDevice, 0, console);
  return console;
}
