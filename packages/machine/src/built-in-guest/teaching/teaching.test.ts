import { Disk, MemoryStore, RawImage } from '@ringfence/disk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Machine } from '../../api.ts';
import { createMachine } from '../../machine.ts';
import { TestHost } from '../../test-host.ts';
import { runToState, runUntil } from '../../test-kernel.ts';
import { teachingRamBytes } from './layout.ts';
import type { TeachingBuild } from './program.ts';
import { teachingMeasurements } from './tasks.ts';

const prompt = /\r?\n# $/;

interface Session {
  readonly host: TestHost;
  readonly made: Machine;
  /** What it said up to its first prompt. */
  readonly first: string;
  /** Types a command and returns what the kernel answers. */
  command(line: string): Promise<string>;
}

async function boot(build: TeachingBuild, accel: 'interpreter' | 'translator'): Promise<Session> {
  const host = new TestHost();
  host.msPerLook = 0.02;
  const contents = new Uint8Array(64 * 512).map((_byte, at) => at >> 9);
  const storage = new Disk(new RawImage(new MemoryStore({ contents })));
  const where = build === 'bare' ? 'ide' : 'ringfence';
  const made = await createMachine({
    memoryBytes: teachingRamBytes,
    boot: { kind: 'built-in', program: build === 'bare' ? 'teaching' : 'teaching-ported' },
    host,
    accel,
    clock: 'instructions',
    drives: [{ interface: where, kind: 'disk', unit: 0, storage }],
  });
  const first = await runUntil(made, host, prompt);
  const command = async (line: string): Promise<string> => {
    made.serial[0]?.write(`${line}\r`);
    const said = await runUntil(made, host, prompt);
    return said.slice(line.length).replaceAll('\r', '').trim();
  };
  return { host, made, command, first: first.replaceAll('\r', '') };
}

describe.each(['bare', 'ported'] as const)('the teaching kernel, %s', (build) => {
  describe.each(['interpreter', 'translator'] as const)('%s', (accel) => {
    let session: Session;
    beforeAll(async () => {
      session = await boot(build, accel);
    }, 90_000);
    afterAll(() => {
      session.made.dispose();
    });

    it('takes turns between tasks that have the same addresses and not the same memory', () => {
      const { first } = session;
      const name = build === 'bare' ? 'bare hardware' : 'ported to hypercalls';
      const [title, tasks] = first.split('\n').slice(0, 2);
      expect(title).toBe(`Teaching kernel, ${name}.`);
      const turns = first.slice(first.indexOf('\n') + 1, first.lastIndexOf('\n'));
      // Each task prints three times; the timer takes the processor from it while it waits.
      expect(turns.match(/1/g)?.length, tasks).toBe(3);
      expect(turns.match(/2/g)?.length, tasks).toBe(3);
      expect(turns).toMatch(/^(12|21){2}/);
    });

    it('measures what it is made for', async () => {
      for (const [letter, name] of teachingMeasurements) {
        const said = await session.command(`${letter}20`);
        expect(said).toMatch(new RegExp(`^@ ${build} ${name} 20 [0-9a-f]{16}\\n#$`));
      }
    });

    it('says so when there is no such command, and powers off', async () => {
      const { command, made, host } = session;
      expect(await command('?')).toContain('d: demonstration');
      made.serial[0]?.write('q\r');
      runToState(made, host, 'ended');
    });
  });
});
