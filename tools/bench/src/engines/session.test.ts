import { expect, it } from 'vitest';
import { Session } from './session.ts';

/** A make-believe engine: reads names, answers with markers. */
function session(script: string, counts = false, limitSeconds = 20): Promise<Session> {
  const command = { program: process.execPath, args: ['-e', script] };
  return Session.start({ command, counts, limitSeconds });
}

const guest = (answer: string): string => `
  process.stdout.write('noise\\nBOOT-');
  setTimeout(() => process.stdout.write('OK\\r\\n@@ready\\r\\n'), 100);
  process.stdin.on('data', (text) => { const name = String(text).trim(); ${answer} });`;

it('times the way to the first marker, and a workload between its markers', async () => {
  const answer = `console.log('@@begin ' + name + '\\nhello'); setTimeout(() =>
    console.log('@@end ' + name), 200);`;
  const started = await session(guest(answer));
  const sample = await started.run('work');
  await started.close();
  expect(started.boot?.seconds).toBeGreaterThanOrEqual(0.1);
  expect(sample.seconds).toBeGreaterThanOrEqual(0.19);
  expect(sample.seconds).toBeLessThan(10);
  expect(sample.output).toBe('hello');
  expect(sample.counters).toBeUndefined();
});

it('takes the counters that belong to the markers of a workload', async () => {
  const answer = `let n = 0; const mark = (line) => { console.log(line);
    console.error('@stats ' + JSON.stringify({ exits: { n: ++count } })); };
    mark('@@begin ' + name); mark('@@end ' + name);`;
  const script = `let count = 2;
    console.error('@stats {"exits":{"n":1}}\\n@stats {"exits":{"n":2}}');
    ${guest(answer)}`;
  const started = await session(script, true);
  await started.run('first');
  const { counters } = await started.run('second');
  await started.close();
  expect(counters?.before.exits).toEqual({ n: 5 });
  expect(counters?.after.exits).toEqual({ n: 6 });
});

it('fails with the last output of a program that ends without the marker', async () => {
  const failing = session(`console.log('no kernel'); process.exitCode = 2`);
  await expect(failing).rejects.toThrow(/ended with status 2; its last output:\nno kernel/);
});

it('fails when the limit passes before the marker', async () => {
  await expect(session(`setInterval(() => {}, 1000)`, false, 0.3)).rejects.toThrow(
    /no marker within 0.3 s/,
  );
});

it('fails when the program is not there', async () => {
  const command = { program: '/nonexistent/program', args: [] };
  const failing = Session.start({ command, counts: false, limitSeconds: 5 });
  await expect(failing).rejects.toThrow(/ENOENT/);
});
