/**
 * `ringfence run` with its counters on standard error at every marker of a benchmark guest: one
 * line `@stats JSON` each. The arguments are those of `ringfence run`.
 */
import { leaveProcess, processServices, runCommand } from '@ringfence/cli';
import type { Machine, MachineOptions } from '@ringfence/machine';
import { LineReader } from '../line-reader.ts';
import { readMarker } from '../marker.ts';

const services = processServices();

async function watched(options: MachineOptions): Promise<Machine> {
  const machine = await services.createMachine(options);
  const lines = new LineReader((line) => {
    if (readMarker(line) === undefined) return;
    process.stderr.write(`@stats ${JSON.stringify(machine.stats())}\n`);
  });
  machine.serial[0]?.onData((bytes) => lines.add(Buffer.from(bytes).toString('latin1')));
  return machine;
}

const watching = { ...services, createMachine: watched };
leaveProcess(await runCommand(['run', ...process.argv.slice(2)], watching));
