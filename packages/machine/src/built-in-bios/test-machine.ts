import { assembleText } from '@ringfence/assembler';

import type { Machine } from '../api.ts';
import { createMachine } from '../machine.ts';
import type { FirmwareBoot } from '../options/machine-options.ts';
import { TestHost } from '../test-host.ts';

/** A disk in an array, whose requests are done at once, or later when `late` is set. */
export class TestDisk {
  readonly data: Uint8Array;
  readonly readOnly = false;
  late: boolean = false;
  #wake: () => void = () => undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(data: Uint8Array) {
    this.data = data;
  }

  get bytes(): number {
    return this.data.length;
  }

  onLate(wake: () => void): void {
    this.#wake = wake;
  }

  read(offset: number, target: Uint8Array, done: (ok: boolean) => void): void {
    target.set(this.data.subarray(offset, offset + target.length));
    this.#end(done);
  }

  write(offset: number, source: Uint8Array, done: (ok: boolean) => void): void {
    this.data.set(source, offset);
    this.#end(done);
  }

  flush(done: (ok: boolean) => void): void {
    this.#end(done);
  }

  /** Ends the requests that wait. */
  turn(): void {
    for (const end of this.#waiting.splice(0)) {
      end();
      this.#wake();
    }
  }

  #end(done: (ok: boolean) => void): void {
    if (this.late) {
      this.#waiting.push(() => {
        done(true);
      });
    } else {
      done(true);
    }
  }
}

/** Makes a disk of `mebibytes` whose first sector is a program at 0x7c00. */
export function bootDisk(text: string, mebibytes: number = 1): TestDisk {
  const disk = new TestDisk(new Uint8Array(mebibytes * 0x10_0000));
  disk.data.set(assembleText(`        bits 16\n${text}`, { origin: 0x7c00 }));
  disk.data.set([0x55, 0xaa], 510);
  return disk;
}

/** A machine that boots a program, and what it wrote to port 0xe9. */
export interface BootedProgram {
  readonly machine: Machine;
  readonly bytes: number[];
  /** Runs until the program stops the machine, or for some seconds of its time. */
  run(seconds?: number): readonly number[];
}

/** Ends the machine: `out 0xf4, al`. */
export const stop = `
        mov dx, 0xf4
        out dx, al
        hlt
`;

/** Writes AL to the debug console. */
export const putAl = `
        out 0xe9, al
`;

/** Writes AX to the debug console, the lower half first. */
export const putAx = `
        out 0xe9, al
        xchg al, ah
        out 0xe9, al
        xchg al, ah
`;

/** Returns what was written by `putAx`. */
export function words(bytes: readonly number[]): number[] {
  return Array.from({ length: bytes.length >> 1 }, (_, index) => {
    return (bytes[2 * index] ?? 0) | ((bytes[2 * index + 1] ?? 0) << 8);
  });
}

/** Boots a program from the first disk, in the built-in BIOS; `boot` says what else it has. */
export async function bootProgram(
  text: string,
  disk?: TestDisk,
  boot: Omit<FirmwareBoot, 'kind'> = {},
  floppy?: TestDisk,
  cd?: TestDisk,
): Promise<BootedProgram> {
  const host = new TestHost();
  const storage = disk ?? bootDisk(text);
  const machine = await createMachine({
    memoryBytes: 0x100_0000,
    boot: { kind: 'firmware', ...boot },
    clock: 'instructions',
    debugExitPort: 0xf4,
    host,
    drives: [
      { interface: 'ide', kind: 'disk', unit: 0, storage },
      ...(cd ? [{ interface: 'ide', kind: 'cdrom', unit: 2, storage: cd } as const] : []),
      ...(floppy ? [{ interface: 'floppy', kind: 'disk', unit: 0, storage: floppy } as const] : []),
    ],
  });
  const bytes: number[] = [];
  machine.on('debugByte', (byte) => bytes.push(byte));
  const run = (seconds = 5): readonly number[] => {
    for (let slice = 0; slice < seconds * 100 && machine.state !== 'ended'; slice += 1) {
      host.msPerLook = 0.1;
      machine.runSlice(10);
      storage.turn();
    }
    return bytes;
  };
  return { machine, bytes, run };
}
