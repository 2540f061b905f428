import { nodeHost } from '@ringfence/cli';
import { createMachine } from '@ringfence/machine';
import { expect, it } from 'vitest';
import { buildPrograms } from './build.ts';
import { programs } from './programs.ts';

const words = (bytes: Uint8Array): number[] => [...new Uint32Array(bytes.slice(0, 12).buffer)];

it('has a multiboot header whose first three words add up to nothing', () => {
  const [magic = 0, flags = 0, checksum = 0] = words(buildPrograms(programs));
  expect(magic).toBe(0x1bad_b002);
  expect((magic + flags + checksum) >>> 0).toBe(0);
});

it('names every program once', () => {
  const names = programs.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

it('runs the program whose name it reads, and prints its check sum between markers', async () => {
  const text = 'run_answer:\n mov eax, 42\n ret\n';
  const kernel = buildPrograms([{ name: 'answer', cpuBound: true, text }]);
  const machine = await createMachine({
    memoryBytes: 96 << 20,
    boot: { kind: 'kernel', kernel },
    host: nodeHost,
  });
  const ended = machine.start();
  await machine.serial[0]?.expect(/BOOT-OK\r\n@@ready\r\n/, 20_000);
  machine.serial[0]?.write('nonsense\nanswer\n');
  await machine.serial[0]?.expect(/@@begin answer\r\n0000002a\r\n@@end answer\r\n/, 20_000);
  machine.dispose();
  expect((await ended).reason).toBe('disposed');
});
