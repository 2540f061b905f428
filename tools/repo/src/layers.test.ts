import { describe, expect, it } from 'vitest';
import { layerFault } from './layers.ts';
import { importsOf } from './syntax.ts';
import { readWorkspaces } from './workspace.ts';

const workspaces = readWorkspaces();
const layered = workspaces.filter(({ kind }) => kind !== 'tools');
const published = workspaces.filter(({ kind }) => kind === 'packages');
const packageOf = (module: string): string =>
  module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/');

describe('layerFault', () => {
  it('lets a package import from a lower row', () => {
    expect(layerFault('@ringfence/cpu', '@ringfence/isa')).toBeUndefined();
  });

  it('names both rows when a package imports from its own row or a higher one', () => {
    expect(layerFault('@ringfence/decoder', '@ringfence/assembler')).toMatch(/row 2.*row 2/);
    expect(layerFault('@ringfence/memory', '@ringfence/cpu')).toMatch(/row 1.*row 4/);
  });

  it('asks for a row for a package that has none', () => {
    expect(layerFault('@ringfence/new', '@ringfence/isa')).toMatch(/no row/);
  });
});

describe('the layer table', () => {
  it('holds for the dependencies of every package.json', () => {
    const faults = layered.flatMap(({ folder, manifest }) =>
      Object.keys(manifest.dependencies ?? {})
        .filter((name) => name.startsWith('@ringfence/'))
        .flatMap((name) => layerFault(manifest.name, name) ?? [])
        .map((fault) => `${folder}/package.json: ${fault}`),
    );
    expect(faults).toEqual([]);
  });

  it('holds for every import that is not in a test', () => {
    const faults = layered.flatMap(({ manifest, sources }) =>
      sources
        .filter(({ isTest }) => !isTest)
        .flatMap((file) =>
          importsOf(file)
            .filter((module) => module.startsWith('@ringfence/'))
            .flatMap((module) => layerFault(manifest.name, packageOf(module)) ?? [])
            .map((fault) => `${file.path}: ${fault}`),
        ),
    );
    expect(faults).toEqual([]);
  });
});

describe('imports', () => {
  it('name only packages that the package.json depends on', () => {
    const faults = workspaces.flatMap(({ manifest, sources, kind }) =>
      sources.flatMap((file) =>
        importsOf(file)
          .filter((module) => !/^\.|^node:|^vitest/.test(module))
          .map(packageOf)
          .filter((name) => {
            const given = { ...manifest.dependencies };
            if (file.isTest || kind === 'tools') Object.assign(given, manifest.devDependencies);
            return given[name] === undefined && !(file.isTest && name === manifest.name);
          })
          .map((name) => `${file.path}: imports ${name}, not a dependency of ${manifest.name}`),
      ),
    );
    expect(faults).toEqual([]);
  });

  it('of other folders go by package name, and relative ones end in .ts', () => {
    const faults = workspaces.flatMap(({ folder, sources }) =>
      sources.flatMap((file) =>
        importsOf(file)
          .filter((module) => module.startsWith('.'))
          .filter((module) => {
            const target = new URL(module, `file:///${file.path}`).pathname.slice(1);
            return !target.startsWith(`${folder}/src/`) || !/\.ts$/.test(target);
          })
          .map((module) => `${file.path}: imports ${module}`),
      ),
    );
    expect(faults).toEqual([]);
  });

  it('of packages that are published know no Node module', () => {
    const faults = published.flatMap(({ sources }) =>
      sources
        .filter(({ isTest }) => !isTest)
        .flatMap((file) =>
          importsOf(file)
            .filter((module) => module.startsWith('node:'))
            .map((module) => `${file.path}: imports ${module}; the host is passed in`),
        ),
    );
    expect(faults).toEqual([]);
  });
});
