/**
 * What paravirtualization buys: the teaching kernel in both builds, and Linux' disks. Run by
 * `bench`; arguments are the number of rounds, and a file for the figures as JSON.
 */
import { writeFileSync } from 'node:fs';
import { type IoRow, measureBlockIo } from './block-io.ts';
import { measureTeaching, type TeachingRow } from './teaching.ts';

const [rounds = '3', json] = process.argv.slice(2);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const teaching = await measureTeaching(Number(rounds), say);
const disks = await measureBlockIo(Number(rounds), say);
console.log(`\nthe teaching kernel, processor time and exits to TypeScript for each\n`);
console.log(teachingTable(teaching));
console.log(`\nLinux' disks, in processor time\n`);
console.log(diskTable(disks));
if (json !== undefined) writeFileSync(json, `${JSON.stringify({ teaching, disks }, null, 2)}\n`);

function teachingTable(rows: readonly TeachingRow[]): string {
  const lines = rows.map((row) => [
    row.name.padEnd(12),
    ...[row.bareUs, row.portedUs, row.bareUs / row.portedUs].map((value) => value.toFixed(2)),
    ...[row.bareExits, row.portedExits].map((value) => value.toFixed(1)),
  ]);
  const head = ['part', 'bare us', 'ported us', 'ratio', 'bare exits', 'ported exits'];
  return table([head, ...lines]);
}

/** Each way beside IDE, for the same kind of I/O. */
function diskTable(rows: readonly IoRow[]): string {
  const lines = rows.map((row) => {
    const ide = rows.find((other) => other.what === row.what);
    return [
      row.way,
      row.what,
      row.mebibytesPerSecond.toFixed(1),
      row.requestsPerSecond.toFixed(0),
      row.exitsPerRequest.toFixed(1),
      row.deviceExitsPerRequest.toFixed(2),
      (row.mebibytesPerSecond / (ide?.mebibytesPerSecond ?? NaN)).toFixed(2),
      (row.deviceExitsPerRequest / (ide?.deviceExitsPerRequest ?? NaN)).toFixed(3),
    ];
  });
  const units = ['way', 'what', 'MiB/s', 'requests/s', 'exits/request', 'at ports, hypercalls'];
  return table([[...units, 'of IDE: bytes', 'at ports, hypercalls'], ...lines]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
