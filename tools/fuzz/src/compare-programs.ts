/** Prints where a run of the laboratory's programs differs from QEMU's: a tool for development. */
import { runQemu, runRingfence } from './executors.ts';
import { labImage } from './lab.ts';
import { programs } from './programs/index.ts';

const wanted = process.argv[2] ?? '';
const showAll = process.argv.includes('-v');
const text = (bytes: Uint8Array, end: string): string[] =>
  `${Buffer.from(bytes).toString('latin1')}\n${end}`.split('\n');

for (const { name, program, data } of programs.filter((one) => one.name.includes(wanted))) {
  let image: Uint8Array;
  try {
    image = labImage(program, data);
  } catch (error) {
    console.log(`${name}: ${String(error)}`);
    continue;
  }
  const interpreted = await runRingfence(image, 'interpreter');
  const translated = await runRingfence(image, 'translator');
  const qemu = runQemu(image);
  const one = text(interpreted.output, interpreted.end);
  const two = text(translated.output, translated.end);
  const other = text(qemu.output, qemu.end);
  const same = one.join('\n') === other.join('\n');
  console.log(`${same ? 'same' : 'DIFFERS'}: ${name}`);
  if (one.join('\n') !== two.join('\n')) console.log('  THE TIERS DIFFER');
  if (same && !showAll) continue;
  for (let line = 0; line < Math.max(one.length, other.length); line++) {
    if (line > 60 && one[line] === undefined) break;
    const mark = one[line] === other[line] ? ' ' : '!';
    console.log(`  ${mark} ${(one[line] ?? '').padEnd(70)} | ${other[line] ?? ''}`);
  }
}
