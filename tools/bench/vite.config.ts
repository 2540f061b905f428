import { defineConfig } from 'vite';

/**
 * Makes one file of each program that runs a guest, as the command line is one file for its users:
 * to find and translate the 600 modules of Ringfence took its process most of a second, which would
 * count as the guest's boot.
 */
export default defineConfig({
  ssr: { target: 'node', external: ['v86'], resolve: { conditions: ['node', 'default'] } },
  build: {
    ssr: true,
    outDir: 'dist',
    target: 'node20',
    minify: false,
    rollupOptions: {
      input: ['src/engines/ringfence-machine.ts', 'src/engines/v86-machine.ts'],
      // By these names the program knows what is to be hashed (program-fingerprint.ts).
      output: { entryFileNames: 'main-[name].js', chunkFileNames: 'main-[name].js' },
    },
  },
});
