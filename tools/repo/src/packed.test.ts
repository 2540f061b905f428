/**
 * Packs every package as it would be published and asks publint and "are the types wrong".
 * Reads `dist`, so the packages must have been built; `pnpm test` does that first.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readWorkspaces, root } from './workspace.ts';

const PNPM = 'pnpm@10.34.9';
/** What attw's profile `esm-only` leaves out: resolutions that only CommonJS asks for. */
const IGNORED_RESOLUTIONS = ['node10', 'node16-cjs'];

const published = readWorkspaces().filter(({ manifest }) => manifest.private !== true);
const folder = mkdtempSync(join(tmpdir(), 'ringfence-packed-'));

beforeAll(async () => {
  const unbuilt = published.filter((each) => !existsSync(join(root, each.folder, 'dist/index.js')));
  if (unbuilt.length > 0) {
    throw new Error(`not built: ${unbuilt.map(({ manifest }) => manifest.name).join(', ')}`);
  }
  const filters = published.flatMap(({ manifest }) => ['--filter', manifest.name]);
  const args = ['--yes', PNPM, '--recursive', ...filters, 'pack', '--pack-destination', folder];
  await promisify(execFile)('npx', args, { cwd: root });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tarballOf(name: string): Uint8Array<ArrayBuffer> {
  const start = name.replace('@', '').replace('/', '-');
  const file = readdirSync(folder).find((each) => each.replace(start, '').match(/^-\d.*\.tgz$/));
  return new Uint8Array(readFileSync(join(folder, file ?? `${start}.tgz`)));
}

describe.each(published)('$manifest.name, packed', ({ manifest }) => {
  it('has nothing that publint complains about', async () => {
    const { messages, pkg } = await publint({
      pack: { tarball: tarballOf(manifest.name).buffer },
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('has types that every ESM resolution finds right', async () => {
    const result = await checkPackage(createPackageFromTarballData(tarballOf(manifest.name)));
    const problems = result.types === false ? ['no types'] : result.problems;
    const counted = problems.filter(
      (problem) =>
        typeof problem === 'string' ||
        !('resolutionKind' in problem) ||
        !IGNORED_RESOLUTIONS.includes(problem.resolutionKind),
    );
    expect(counted).toEqual([]);
  });
});
