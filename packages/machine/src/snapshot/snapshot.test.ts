import { describe, expect, it } from 'vitest';

import type { Machine } from '../api.ts';
import { composePc } from '../compose.ts';
import { MachineError } from '../error.ts';
import { createMachine } from '../machine.ts';
import type { MachineOptions } from '../options/machine-options.ts';
import { TestHost } from '../test-host.ts';
import { flatKernel, runToState, runUntil } from '../test-kernel.ts';
import { KeyboardHandle } from '../keyboard-handle.ts';
import { readSections } from './container.ts';
import { Crc32 } from './crc32.ts';
import { openSnapshot } from './snapshot.ts';

const mebibyte = 0x10_0000;

function options(host: TestHost, more: Partial<MachineOptions> = {}): MachineOptions {
  return {
    memoryBytes: 8 * mebibyte,
    boot: { kind: 'built-in' },
    host,
    clock: 'instructions',
    ...more,
  };
}

async function make(more: Partial<MachineOptions> = {}): Promise<[Machine, TestHost]> {
  const host = new TestHost();
  host.msPerLook = 0.1;
  return [await createMachine(options(host, more)), host];
}

/** Types a command into the built-in guest and returns what it says up to its next prompt. */
async function command(machine: Machine, host: TestHost, line: string): Promise<string> {
  machine.serial[0]?.write(`${line}\r`);
  return runUntil(machine, host, /> $/);
}

function damaged(file: Uint8Array, at: number): Uint8Array {
  const copy = file.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

async function refusal(file: Uint8Array): Promise<string> {
  try {
    await make({ snapshot: file });
  } catch (error) {
    return error instanceof MachineError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'taken';
}

describe('a snapshot', () => {
  it('goes on in another machine where it was taken', async () => {
    const [machine, host] = await make();
    await runUntil(machine, host, /> $/);
    const file = await machine.snapshot();
    const [restored, otherHost] = await make({ snapshot: file });
    expect(await command(restored, otherHost, 'mem')).toBe(await command(machine, host, 'mem'));
  });

  it.each(['interpreter', 'translator'] as const)(
    'is followed by the same run with the instruction clock (%s)',
    async (accel) => {
      const [machine, host] = await make({ accel });
      await runUntil(machine, host, /> $/);
      machine.serial[0]?.write('smc\rring3\rtime\rpaging\rhypercall\rhalt\r');
      machine.runSlice(1);
      machine.pause();
      const before = machine.stats().instructions.total;
      const [restored, otherHost] = await make({ accel, snapshot: await machine.snapshot() });
      const [said, saidRestored] = [listen(machine), listen(restored)];
      runToState(machine, host, 'halted');
      runToState(restored, otherHost, 'halted');
      expect(said()).toContain('halt: waiting with interrupts off');
      expect(saidRestored()).toBe(said());
      const { instructions } = machine.stats();
      expect(instructions.total).toBeGreaterThan(before);
      expect(restored.stats().instructions.total).toBe(instructions.total);
      // Every byte of memory, every register and every chip.
      expect(await stateOf(restored)).toEqual(await stateOf(machine));
    },
  );

  it('is taken at the end of a slice when one is running', async () => {
    const [machine, host] = await make();
    let file: Promise<Uint8Array> | undefined;
    // Output of more than a buffer is handed on in the middle of a slice.
    machine.serial[0]?.onData(() => (file ??= machine.snapshot()));
    await runUntil(machine, host, /> $/);
    const [restored, otherHost] = await make({ snapshot: await (file ?? Promise.reject()) });
    expect(await command(restored, otherHost, 'smc')).toContain('smc: sum over');
  });

  it('keeps input that has not reached the guest', async () => {
    const [machine, host] = await make();
    await runUntil(machine, host, /> $/);
    machine.serial[0]?.write('smc\rmem\r');
    machine.keyboard.type('time\n');
    const [restored, otherHost] = await make({ snapshot: await machine.snapshot() });
    const output = await runUntil(restored, otherHost, /mem: [^]*> $/);
    expect(output).toContain('smc: sum over');
  });

  it('keeps a reset that was asked for', async () => {
    const [machine, host] = await make();
    await runUntil(machine, host, /> $/);
    machine.pause();
    machine.reset();
    const [restored, otherHost] = await make({ snapshot: await machine.snapshot() });
    expect(await runUntil(restored, otherHost, /Type help/)).toContain('built-in guest');
  });

  it('boots the same again when the guest resets the restored machine', async () => {
    const boot = { kind: 'kernel', kernel: flatKernel(countingProgram) } as const;
    const [machine, host] = await make({ boot });
    expect(await runUntil(machine, host, /a/)).toBe('a');
    const [restored, otherHost] = await make({ snapshot: await machine.snapshot() });
    restored.reset();
    expect(await runUntil(restored, otherHost, /a/)).toContain('a');
  });

  it('cannot be taken of a machine that has ended', async () => {
    const [machine] = await make();
    machine.dispose();
    await expect(machine.snapshot()).rejects.toMatchObject({ code: 'bad-state' });
  });
});

describe('a file that is no good', () => {
  it.each<[string, (file: Uint8Array) => Uint8Array, RegExp]>([
    ['an empty one', () => new Uint8Array(0), /byte 0: expected a snapshot's signature/],
    ['a foreign one', () => new Uint8Array(4096).fill(0x50), /expected a snapshot's signature/],
    ['a newer version', (file) => withWord(file, 8, 99), /expected version 1, found 99/],
    ['one that was cut short', (file) => file.subarray(0, -1), /expected a file of \d+ bytes/],
    ['a bit changed at its end', (file) => damaged(file, file.length - 1), /it is damaged/],
    ['a bit changed in its table', (file) => damaged(file, 30), /it is damaged/],
    [
      'an absurd table',
      (file) => withWord(file, 16, 0xffff_ffff),
      /a section table within the file/,
    ],
  ])('is refused with the reason: %s', async (_name, change, reason) => {
    const [machine] = await make();
    expect(await refusal(change(await machine.snapshot()))).toMatch(reason);
  });

  it('is refused whatever byte of it is changed', async () => {
    const [machine, host] = await make({ memoryBytes: mebibyte * 2 });
    await runUntil(machine, host, /> $/);
    const file = await machine.snapshot();
    for (let at = 0; at < file.length; at += Math.ceil(file.length / 200)) {
      expect(await refusal(damaged(file, at))).toMatch(/^bad-snapshot: /);
    }
  });

  it('is refused when its chips are not those of the machine', async () => {
    const host = new TestHost();
    const [machine] = await make({ debugExitPort: 0xf4 });
    const file = await machine.snapshot();
    // A machine whose options lost the device is what an older version would make.
    const opened = await openSnapshot(file, options(host));
    const { debugExitPort: _port, ...without } = opened.options;
    const pc = composePc(without, noConnections);
    const keyboard = new KeyboardHandle(pc.chipset.keyboard, () => undefined);
    const restored = opened.restore({ options: without, pc, serial: [], keyboard });
    await expect(restored).rejects.toThrow(
      /its chips: expected a machine with the same ones, found no isa-debug-exit/,
    );
  });
});

describe('every chip on the board', () => {
  it('can be saved and restored', () => {
    const everything: Partial<MachineOptions> = {
      debugExitPort: 0xf4,
      boot: { kind: 'firmware' },
      virtioConsole: true,
      virtioEntropy: true,
      drives: [
        { interface: 'ide', kind: 'cdrom', unit: 2 },
        { interface: 'floppy', kind: 'disk', unit: 0 },
      ],
    };
    const { chipset } = composePc(options(new TestHost(), everything), noConnections);
    const without = chipset.owned.filter(({ chip }) => !('save' in chip && 'restore' in chip));
    expect(without.map(({ name }) => name)).toEqual([]);
    expect(chipset.owned.length).toBeGreaterThan(20);
  });
});

/** Says "a" and then waits for interrupts. */
const countingProgram = `
        mov dx, 0x3f8
        mov al, 'a'
        out dx, al
wait:   hlt
        jmp wait
`;

const noConnections = {
  serialOutputs: [],
  debugOutput: { write: () => undefined },
  stolenNs: () => 0,
};

/** Gathers what serial port 0 says from now on. */
function listen(machine: Machine): () => string {
  let said = '';
  machine.serial[0]?.onData((bytes) => (said += String.fromCharCode(...bytes)));
  return () => said;
}

/** The sections of a machine's snapshot, without the time of day at which it was taken. */
async function stateOf(machine: Machine): Promise<unknown> {
  const sections = readSections(await machine.snapshot());
  const all = sections.map(async (section) => {
    const bytes = await section.bytes({});
    if (section.name !== 'STAT') {
      return { name: section.name, checksum: new Crc32().add(bytes).value };
    }
    // When it was taken is of the host, and so is how much was translated until then.
    return String.fromCharCode(...bytes).replaceAll(/"(takenMs|translated)":[\d.]+/g, '');
  });
  return Promise.all(all);
}

function withWord(file: Uint8Array, at: number, word: number): Uint8Array {
  const copy = file.slice();
  const view = new DataView(copy.buffer);
  view.setUint32(at, word, true);
  return copy;
}
