import { defineConfig } from 'vite';

export default defineConfig({
  // Any folder of any static host.
  base: './',
  resolve: { conditions: ['@ringfence/source', 'module', 'browser', 'default'] },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 2000,
    rollupOptions: {
      // The page, and the element alone under a name that stays.
      input: { index: 'index.html', 'ringfence-machine': 'src/element.ts' },
      preserveEntrySignatures: 'exports-only',
      output: {
        entryFileNames: (chunk) =>
          chunk.name === 'ringfence-machine' ? '[name].js' : 'assets/[name]-[hash].js',
      },
    },
  },
});
