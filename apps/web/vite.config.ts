import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin, runnerImport } from 'vite';

const source = (path: string): string =>
  fileURLToPath(new URL(`../../packages/translator/src/${path}`, import.meta.url));

/** What is used of `@ringfence/translator`. */
interface Translator {
  hotCases(): unknown;
  writtenModulesText(hot: unknown): string;
}

/** Writes the modules that every machine needs into the page, as the build of `translator` does. */
function writtenModules(): Plugin {
  return {
    name: 'ringfence-written-modules',
    load: (id) => (id === source('interpreter/written-modules.ts') ? makeModules() : undefined),
  };
}

async function makeModules(): Promise<string> {
  const { module } = await runnerImport<Translator>(source('index.ts'), {
    configFile: false,
    resolve: { conditions: ['@ringfence/source'] },
    environments: { inline: { resolve: { noExternal: true } } },
  });
  return module.writtenModulesText(module.hotCases());
}

export default defineConfig({
  // Any folder of any static host.
  base: './',
  resolve: { conditions: ['@ringfence/source', 'module', 'browser', 'default'] },
  worker: { format: 'es', plugins: () => [writtenModules()] },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 2000,
    rollupOptions: {
      // The page, and the element alone under a name that stays.
      input: { index: 'index.html', 'ringfence-machine': 'src/element.ts' },
      // Making the modules is most of the build.
      checks: { pluginTimings: false },
      preserveEntrySignatures: 'exports-only',
      output: {
        entryFileNames: (chunk) =>
          chunk.name === 'ringfence-machine' ? '[name].js' : 'assets/[name]-[hash].js',
      },
    },
  },
});
