/**
 * What the build of `translator` wrote for every process to start with.
 * Reads `dist`, so the packages must have been built; `pnpm test` does that first.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hotCases, writtenModulesText } from '@ringfence/translator';
import { expect, it } from 'vitest';
import { root } from './workspace.ts';

const written = 'packages/translator/dist/interpreter/written-modules.js';

it('the modules that the build wrote are those of the sources', () => {
  const made = writtenModulesText(hotCases());
  expect(made.length).toBeGreaterThan(100_000);
  // Not `toBe`, which would print both.
  const isSame = readFileSync(join(root, written), 'utf8') === made;
  expect(isSame, `${written} is out of date: pnpm build`).toBe(true);
});
