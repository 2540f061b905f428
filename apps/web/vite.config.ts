import { defineConfig } from 'vite';

export default defineConfig({
  // Any folder of any static host.
  base: './',
  resolve: { conditions: ['@ringfence/source', 'module', 'browser', 'default'] },
  worker: { format: 'es' },
  build: { target: 'es2022', chunkSizeWarningLimit: 2000 },
});
