/**
 * What the build of `translator` wrote for every process to start with.
 * Reads `dist`, so the packages must have been built; `pnpm test` does that first.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildCoreModules, hotCases } from '@ringfence/translator';
import { describe, expect, it } from 'vitest';
import { root } from './workspace.ts';

const written = 'packages/translator/dist/interpreter/written-modules.js';

describe('the modules that the build wrote', () => {
  it.each(['core', 'handlers'] as const)('are those of the sources: %s', async (name) => {
    const file: unknown = await import(pathToFileURL(join(root, written)).href);
    const modules = Object(Object(file)['writtenModules']) as Readonly<Record<string, string>>;
    const made = Buffer.from(buildCoreModules(hotCases())[name]).toString('base64');
    expect(made.length).toBeGreaterThan(10_000);
    // Not `toEqual`, which would print both.
    expect(modules[name] === made, `${written} is out of date: pnpm build`).toBe(true);
  });
});
