import { defineConfig } from 'vitest/config';

const conditions = ['@ringfence/source', 'module', 'node', 'import', 'default'];
const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@ringfence/source', 'node', 'import'] } },
};
const everywhere = (pattern: string): string[] =>
  ['packages', 'apps', 'tools'].map((folder) => `${folder}/*/src/**/*.${pattern}`);

export default defineConfig({
  ...shared,
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: everywhere('test.ts'),
          exclude: [...everywhere('guest.test.ts'), ...everywhere('browser.test.ts')],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 90_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'guest',
          include: everywhere('guest.test.ts'),
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // After the unit tests: guests need a core of their own.
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...shared,
        test: {
          name: 'browser',
          include: everywhere('browser.test.ts'),
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Last: the browser takes both cores.
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
