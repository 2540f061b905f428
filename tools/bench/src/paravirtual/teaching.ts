/** The teaching kernel in its two builds: what each of its parts costs. */
import { Disk, MemoryStore, RawImage } from '@ringfence/disk';
import { createMachine, type Machine, teachingMeasurements } from '@ringfence/machine';
import { exitsOf, median, nodeHost, takeUse } from './measure.ts';

/** One part of the kernel in both builds. */
export interface TeachingRow {
  readonly name: string;
  /** Microseconds of processor time for each. */
  readonly bareUs: number;
  readonly portedUs: number;
  /** Exits to TypeScript for each. */
  readonly bareExits: number;
  readonly portedExits: number;
}

/** How often each part is done in one measurement, by its name. */
const repetitions: Readonly<Record<string, number>> = {
  'update-64': 4000,
  'update-512': 1000,
  tick: 500,
  block: 1000,
};
const usual = 20_000;
const limitMs = 120_000;

interface Build {
  readonly machine: Machine;
  command(line: string): Promise<void>;
}

/** Measures both builds alternately, `rounds` times; medians. */
export async function measureTeaching(
  rounds: number,
  say: (line: string) => void,
): Promise<readonly TeachingRow[]> {
  const builds = [await start('teaching', 'ide'), await start('teaching-ported', 'ringfence')];
  const rows: TeachingRow[] = [];
  // What a measurement's own line on the console takes is not the part's.
  const own = await Promise.all(builds.map(({ machine, command }) => exits(machine, command, 'e')));
  for (const [letter, name] of teachingMeasurements) {
    if (name === 'empty') continue;
    const count = repetitions[name] ?? usual;
    const times: number[][] = builds.map(() => []);
    const counts: number[] = [];
    for (let round = -1; round < rounds; round++) {
      for (const [index, { machine, command }] of builds.entries()) {
        const before = takeUse(machine);
        await command(`${letter}${String(count)}`);
        const after = takeUse(machine);
        // The first round is for what is hot to be translated.
        if (round < 0) continue;
        times[index]?.push(((after.seconds - before.seconds) * 1e6) / count);
        counts[index] = (exitsOf(after) - exitsOf(before) - (own[index] ?? 0)) / count;
      }
    }
    const [bareUs = 0, portedUs = 0] = times.map(median);
    rows.push({ name, bareUs, portedUs, bareExits: counts[0] ?? 0, portedExits: counts[1] ?? 0 });
    say(`${name}: ${bareUs.toFixed(2)} us on bare hardware, ${portedUs.toFixed(2)} us ported`);
  }
  for (const { machine } of builds) machine.dispose();
  return rows;
}

async function exits(machine: Machine, command: Build['command'], line: string): Promise<number> {
  await command(line);
  const before = takeUse(machine);
  await command(line);
  return exitsOf(takeUse(machine)) - exitsOf(before);
}

async function start(
  program: 'teaching' | 'teaching-ported',
  bus: 'ide' | 'ringfence',
): Promise<Build> {
  const storage = new Disk(new RawImage(new MemoryStore({ contents: new Uint8Array(1 << 16) })));
  const machine = await createMachine({
    memoryBytes: 8 << 20,
    host: nodeHost,
    boot: { kind: 'built-in', program },
    drives: [{ interface: bus, kind: 'disk', unit: 0, storage }],
  });
  const port = machine.serial[0];
  if (port === undefined) throw new Error('the machine has no serial port');
  void machine.start();
  await port.expect(/\n# /, limitMs);
  const command = async (line: string): Promise<void> => {
    port.write(`${line}\r`);
    await port.expect(/\n# /, limitMs);
  };
  return { machine, command };
}
