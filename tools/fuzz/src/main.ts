/**
 * `npx tsx --conditions=@ringfence/source tools/fuzz/src/main.ts COMMAND`:
 *
 *     qemu SEED COUNT     compares cases with QEMU
 *     bochs-cases SEED COUNT  compares cases with Bochs
 *     native SEED COUNT   compares cases with the processor of this machine
 *     native-sequences SEED COUNT [TIER]  compares sequences with the processor of this machine
 *     record-sequences SEED COUNT  keeps what this processor makes of sequences, for the tests
 *     record SEED COUNT   keeps what this processor makes of cases, for the tests
 *     accept              keeps what the laboratory's programs come to, for the tests
 *     sequences SEED COUNT [SECONDS]  runs sequences on a bare CPU in both tiers
 *     linux SEED SECONDS [TIER]  executes random bytes in Linux, `translator` or `interpreter`
 *     bochs               prints what Bochs makes of the programs where it is something else
 *
 * A seed repeats a run; `-v` prints states.
 */
import { readFileSync } from 'node:fs';
import { type CaseSource, differences, runBatch } from './compare-cases.ts';
import { runRingfence } from './executors.ts';
import { runBochs } from './bochs.ts';
import { labImage } from './lab.ts';
import { runLinuxBytes } from './linux-bytes.ts';
import { compareSequences, nativeSums } from './native-sequences.ts';
import { programs } from './programs/index.ts';
import { runSequences } from './sequences.ts';
import { type ProgramRecords, readRecords, writeRecords } from './records.ts';

/** The most lines of a program that are compared: Bochs may not get on. */
const mostLines = 30;

const [, , command = '', first = '1', count = '200'] = process.argv;
const seed = Number(first);

if (command === 'qemu' || command === 'native') await compare(command);
else if (command === 'bochs-cases') await compare('bochs');
else if (command === 'native-sequences') nativeSequences();
else if (command === 'record-sequences') recordSequences();
else if (command === 'record') await record();
else if (command === 'accept') await accept();
else if (command === 'bochs') bochs();
else if (command === 'sequences')
  console.log(runSequences(seed, Number(count), Number(process.argv[5] ?? 3600)));
else if (command === 'linux') await linux();
else {
  console.log(
    'expected qemu, bochs-cases, native, native-sequences, record, record-sequences, accept, ' +
      'bochs, sequences or linux',
  );
}

async function compare(source: CaseSource): Promise<void> {
  const { cases, interpreter, other: others, ends } = await runBatch(seed, Number(count), source);
  console.log(`ends: ${ends.join(', ')}; records: ${interpreter.length}, ${others.length}`);
  for (const [index, generated] of cases.entries()) {
    const [one, other] = [interpreter[index], others[index]];
    if (one === undefined || other === undefined) break;
    const found = differences(one, other, generated, source);
    if (found.length === 0) continue;
    if (process.argv.includes('-v')) {
      const words = new Uint32Array(generated.bytes.slice(0, 64).buffer);
      for (const list of [[...words], one, other]) {
        console.log(list.map((word) => word.toString(16)).join(' '));
      }
    }
    const code = Buffer.from(generated.code).toString('hex');
    const { mode, form } = generated;
    const vectors = `${one[1] ?? 0}, ${other[1] ?? 0}`;
    console.log(
      `${seed + index} ${mode} ${form.mnemonic} ${code}: ${vectors}: ${found.join('; ')}`,
    );
  }
}

async function record(): Promise<void> {
  const { cases, interpreter, other } = await runBatch(seed, Number(count), 'native');
  const records = cases.map((generated, index) => {
    const [one, native] = [interpreter[index], other[index]];
    if (one === undefined || native === undefined) return null;
    const same = differences(one, native, generated, 'native').length === 0;
    return same ? native.map((word) => word.toString(16)).join(' ') : null;
  });
  const skipped = records.filter((one) => one === null).length;
  console.log(`${records.length} cases, ${skipped} left out`);
  writeRecords('native-cases.json', { processor: processorName(), seed, records });
}

function processorName(): string {
  return /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
}

function nativeSequences(): void {
  const accel = process.argv[5] === 'translator' ? 'translator' : 'interpreter';
  const batch = 10_000;
  let found = 0;
  for (let done = 0; done < Number(count); done += batch) {
    const lines = compareSequences(seed + done, Math.min(batch, Number(count) - done), accel);
    found += lines.length;
    if (lines.length > 0) console.log(lines.join('\n'));
  }
  console.log(`${found} of ${count} sequences differ`);
}

function recordSequences(): void {
  const sums = nativeSums(seed, Number(count));
  writeRecords('native-sequences.json', { processor: processorName(), seed, sums });
}

async function accept(): Promise<void> {
  const outputs: Record<string, string[]> = {};
  for (const { name, program, data } of programs) {
    const { output, end } = await runRingfence(labImage(program, data), 'interpreter', {
      cpu: 'max',
    });
    outputs[name] = [...Buffer.from(output).toString('latin1').split('\n'), end];
  }
  writeRecords('programs.json', outputs);
}

async function linux(): Promise<void> {
  const accel = process.argv[5] === 'interpreter' ? 'interpreter' : 'translator';
  const { output, ...result } = await runLinuxBytes({ accel, seconds: Number(count), seed });
  if (process.argv.includes('-v') || result.trouble.length > 0) console.log(output);
  console.log(result);
}

function bochs(): void {
  const expected = readRecords<ProgramRecords>('programs.json');
  for (const { name, program, data } of programs) {
    const { output, end } = runBochs(labImage(program, data), { timeoutMs: 5000 });
    const lines = Buffer.from(output).toString('latin1').split('\n');
    const kept = expected[name]?.slice(0, -1) ?? [];
    if (end === 'exit' && lines.join() === kept.join()) continue;
    console.log(`${name}: ${end}`);
    for (let index = 0; index < Math.min(mostLines, Math.max(lines.length, kept.length)); index++) {
      if (lines[index] === kept[index]) continue;
      console.log(`  here  ${kept[index] ?? ''}\n  Bochs ${lines[index] ?? ''}`);
    }
  }
}
