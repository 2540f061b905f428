import type { PcConnections } from './compose.ts';
import type { Emitter } from './emitter.ts';
import type { SerialHandle } from './serial-handle.ts';

const nsPerMs = 1e6;

/** Returns where the parts of a PC send what leaves the machine: to its handles and its events. */
export function pcConnections(
  emitter: Emitter,
  serial: readonly SerialHandle[],
  stolenNs: () => number,
): PcConnections {
  return {
    serialOutputs: serial.map((handle) => ({
      write: (byte: number): void => {
        handle.outputByte(byte);
      },
    })),
    reports: {
      parallel: {
        write: (byte) => {
          emitter.emit('parallelByte', byte);
        },
      },
      post: {
        write: (code) => {
          emitter.emit('postCode', code);
        },
      },
    },
    debugOutput: {
      write: (byte) => {
        emitter.emit('debugByte', byte);
      },
    },
    sound: {
      tone: (hertz, atNs) => {
        emitter.emit('sound', { kind: 'tone', hertz, atMs: atNs / nsPerMs });
      },
      level: (high, atNs) => {
        emitter.emit('sound', { kind: 'level', high, atMs: atNs / nsPerMs });
      },
    },
    paravirtualConsole: {
      write: (byte) => {
        serial[0]?.outputByte(byte);
      },
    },
    stolenNs,
  };
}
