/**
 * `npx tsx --conditions=@ringfence/source tools/fuzz/src/main.ts qemu SEED COUNT` compares cases
 * with QEMU; a seed repeats them.
 */
import { runBatch, differences } from './compare-cases.ts';

const [, , command = '', first = '1', count = '200'] = process.argv;

if (command === 'qemu' || command === 'native') {
  const seed = Number(first);
  const { cases, interpreter, other: others, ends } = await runBatch(seed, Number(count), command);
  console.log(`ends: ${ends.join(', ')}; records: ${interpreter.length}, ${others.length}`);
  for (const [index, generated] of cases.entries()) {
    const [one, other] = [interpreter[index], others[index]];
    if (one === undefined || other === undefined) break;
    const found = differences(one, other, generated, command);
    if (found.length === 0) continue;
    if (process.argv.includes('-v')) {
      const words = new Uint32Array(generated.bytes.slice(0, 64).buffer);
      console.log([...words].map((word) => word.toString(16)).join(' '));
      for (const record of [one, other]) {
        console.log(record.map((word) => word.toString(16)).join(' '));
      }
    }
    const code = Buffer.from(generated.code).toString('hex');
    const vectors = `${one[1]}(${(one[2] ?? 0).toString(16)}) ${other[1]}(${(other[2] ?? 0).toString(16)})`;
    console.log(
      `${seed + index} ${generated.mode} ${generated.form.mnemonic} ${code}: ${vectors} ${found.join('; ')}`,
    );
  }
}
