/**
 * Compares how long Ringfence, v86 and QEMU take from start to `/init`, alternately in one run:
 * `pnpm bench [--rounds N] [--only NAME,NAME] [--pae] [--memory MB] [--append TEXT] [--json FILE]`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BOOT_MARKER, debianGuest, progressLines } from '@ringfence/guest';
import { type Contestant, contestants } from './contestants.ts';
import { type Counted, renderTable, summarise } from './report.ts';
import { seabios } from './seabios.ts';
import { type Timing, timeToMarker } from './timed-run.ts';

const LIMIT_SECONDS = 300;
const REFERENCE = 'v86';
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    pae: { type: 'boolean', default: false },
    memory: { type: 'string', default: '256' },
    append: { type: 'string', default: 'console=ttyS0' },
    json: { type: 'string' },
  },
});

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const progress = progressLines(say);
const scenario = {
  guest: await debianGuest({ flavour: values.pae ? '686-pae' : '686', progress }),
  seabios: await seabios(progress),
  megabytes: Number(values.memory),
  commandLine: values.append,
};
const chosen = contestants.filter(isChosen);
const results = chosen.map(({ name }) => ({
  name,
  timings: [] as Timing[],
  counted: [] as Counted[],
}));
const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));

for (let round = 1; round <= Number(values.rounds); round++) {
  for (const [index, { name, command }] of chosen.entries()) {
    const stats = join(folder, `${name}-${round}.json`);
    const started = command(scenario, stats);
    const timing = await timeToMarker(started, BOOT_MARKER, LIMIT_SECONDS);
    say(`round ${round}: ${name} ${timing.seconds.toFixed(2)} s`);
    results[index]?.timings.push(timing);
    if (started.endsItself === true) {
      results[index]?.counted.push(JSON.parse(readFileSync(stats, 'utf8')) as Counted);
    }
  }
}
rmSync(folder, { recursive: true });

const rows = summarise(results, REFERENCE);
const { kernelPackage, kernelVersion } = scenario.guest;
console.log(`${kernelPackage} ${kernelVersion}, ${scenario.megabytes} MB, start to ${BOOT_MARKER}`);
console.log(renderTable(rows, REFERENCE));
const json = JSON.stringify({ kernelPackage, kernelVersion, node: process.version, rows }, null, 2);
if (values.json === undefined) console.log(json);
else writeFileSync(values.json, `${json}\n`);

function isChosen({ name, missing }: Contestant): boolean {
  if (values.only !== undefined && !values.only.split(',').includes(name)) return false;
  const why = missing();
  if (why !== undefined) say(`${name} is left out: ${why}`);
  return why === undefined;
}
