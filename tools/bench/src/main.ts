/**
 * Compares whole guests under Ringfence, v86 and QEMU in one run; `--help` lists the options.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { progressLines } from '@ringfence/guest';
import { runBenchmark } from './benchmark.ts';
import { type Engine, type EngineSettings, engines } from './engines/engines.ts';
import { seabios } from './engines/seabios.ts';
import { chooseGuests } from './guests.ts';
import {
  efficiency,
  percent,
  renderExits,
  renderTable,
  renderTranslation,
  summarise,
} from './report.ts';

const HELP = `usage: pnpm bench [OPTIONS]

  --only NAME,NAME      engines: ${engines.map(({ name }) => name).join(', ')}
  --workload NAME,NAME  workloads, or parts of names; "boot" is the way to /init
  --guest linux|programs|paravirtual
  --rounds N            how often everything is done (default 3)
  --repeat N            how often a workload runs in a guest in each round (default 1)
  --subject NAME        the engine that is compared with the others (default: the first)
  --pae                 Debian's kernel with PAE
  --memory MB           default 256
  --append TEXT         the kernel's command line
  --from-source         runs Ringfence's sources as they are, not what was built
  --json FILE           writes the JSON there instead of printing it
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    repeat: { type: 'string', default: '1' },
    only: { type: 'string' },
    workload: { type: 'string' },
    guest: { type: 'string' },
    subject: { type: 'string' },
    pae: { type: 'boolean', default: false },
    memory: { type: 'string', default: '256' },
    append: { type: 'string', default: 'console=ttyS0' },
    'from-source': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

const LIMIT_SECONDS = 300;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

if (values.help) process.stdout.write(HELP);
else {
  if (values.guest !== 'paravirtual') await main();
  if (values.guest === undefined || values.guest === 'paravirtual') paravirtual();
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  try {
    await compare(join(folder, 'translation-profile'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function compare(translationProfile: string): Promise<void> {
  const progress = progressLines(say);
  const settings: EngineSettings = {
    megabytes: Number(values.memory),
    seabios: await seabios(progress),
    fromSource: values['from-source'],
    translationProfile,
  };
  const chosen = engines.filter((engine) => isChosen(engine, settings));
  const subject = values.subject ?? chosen[0]?.name ?? '';
  const { guests, described } = await chooseGuests({
    flavour: values.pae ? '686-pae' : '686',
    commandLine: values.append,
    ...(values.guest === undefined ? {} : { guest: values.guest }),
    ...(values.workload === undefined ? {} : { workloads: values.workload.split(',') }),
    progress,
  });
  const outcome = await runBenchmark({
    guests,
    engines: chosen,
    settings,
    rounds: Number(values.rounds),
    repeat: Number(values.repeat),
    limitSeconds: LIMIT_SECONDS,
    say,
  });
  const rows = summarise(outcome.results, subject);
  console.log(`${described}, ${settings.megabytes} MB, node ${process.version}`);
  console.log(`${cpus()[0]?.model ?? 'processor unknown'}, ${cpus().length} processors`);
  console.log(`\n${renderTable(rows, subject)}`);
  console.log(`\nexits to TypeScript per million instructions of ${subject}\n${renderExits(rows)}`);
  console.log(`\ntranslation in ${subject}\n${renderTranslation(rows)}`);
  console.log(`\ntranslated, over the CPU-bound workloads: ${percent(efficiency(rows))}`);
  for (const [name, bytes] of Object.entries(outcome.residentBytes)) {
    console.log(`resident memory of ${name} at the end: ${(bytes / 2 ** 20).toFixed(0)} MiB`);
  }
  for (const failure of outcome.failures) console.log(`FAILED ${failure}`);
  const report = { guest: described, node: process.version, subject, rows, ...outcome };
  const json = JSON.stringify(report, null, 2);
  if (values.json === undefined) console.log(json);
  else writeFileSync(values.json, `${json}\n`);
  if (outcome.failures.length > 0) process.exitCode = 1;
}

/** What paravirtualization buys, in a process of its own: it runs the machines itself. */
function paravirtual(): void {
  if (values.workload !== undefined && values.guest === undefined) return;
  const program = fileURLToPath(new URL('paravirtual/main.ts', import.meta.url));
  const source = values['from-source'] ? ['--conditions=@ringfence/source'] : [];
  const args = [...source, '--import', 'tsx', program, values.rounds];
  const json = values.json === undefined ? [] : [`${values.json}.paravirtual`];
  const { status } = spawnSync(process.execPath, [...args, ...json], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

function isChosen({ name, missing }: Engine, settings: EngineSettings): boolean {
  if (values.only !== undefined && !values.only.split(',').includes(name)) return false;
  const why = missing(settings);
  if (why !== undefined) say(`${name} is left out: ${why}`);
  return why === undefined;
}
