import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSettings } from '@ringfence/machine';
import { afterAll, expect, it } from 'vitest';
import { Menu } from './menu.ts';
import { nodeHost } from './node-host.ts';
import { TestMachine } from './test-machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-menu-'));
afterAll(() => rmSync(folder, { recursive: true }));

function menuOf(files: { snapshot?: string; screenshot?: string } = {}) {
  const boot = { kind: 'built-in' } as const;
  const machine = new TestMachine({ memoryBytes: 1 << 20, boot, host: nodeHost }, () => {});
  const said: string[] = [];
  const notes = { write: (text: string | Uint8Array) => said.push(String(text).trim()) };
  let exits = 0;
  const menu = new Menu(machine, { ...defaultSettings, ...files }, notes, () => (exits += 1));
  return { machine, menu, said, exits: () => exits };
}

it('leaves, and presses the reset button', async () => {
  const { machine, menu, exits } = menuOf();
  await menu.run('exit');
  await menu.run('reset');
  expect([exits(), machine.resets]).toEqual([1, 1]);
});

it('writes a snapshot to the file of --snapshot', async () => {
  const snapshot = join(folder, 'state.rfs');
  const { menu, said } = menuOf({ snapshot });
  await menu.run('snapshot');
  expect([...readFileSync(snapshot)]).toEqual([1, 2, 3]);
  expect(said).toEqual([`${snapshot}: 0.0 MB`]);
});

it('writes a picture of the screen to the file of --screenshot', async () => {
  const screenshot = join(folder, 'screen.png');
  await menuOf({ screenshot }).menu.run('screenshot');
  expect(readFileSync(screenshot).subarray(1, 4).toString()).toBe('PNG');
});

it('finds a name for a file that nobody named', async () => {
  const before = process.cwd();
  process.chdir(folder);
  try {
    await menuOf().menu.run('snapshot');
  } finally {
    process.chdir(before);
  }
  expect(readdirSync(folder).join()).toMatch(/ringfence-snapshot-\d{8}-\d{6}\.rfs/);
});

it('says why a file could not be written', async () => {
  const { menu, said } = menuOf({ snapshot: join(folder, 'nowhere', 'state.rfs') });
  await menu.run('snapshot');
  expect(said.join()).toMatch(/no such file/);
});

it('shows statistics, and which keys there are', async () => {
  const { menu, said } = menuOf();
  await menu.run('statistics');
  await menu.run('help');
  expect(said[0]).toMatch(/instructions {2}0\.0 million/);
  expect(said[1]).toMatch(/Ctrl-A s {3}write a snapshot/);
});
