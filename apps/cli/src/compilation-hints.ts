import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 compile modules as they say themselves, in their section `compilationHints`.
 *
 * Translated code is then optimized before it is used, on V8's own threads while the interpreter
 * goes on; without it, V8 makes baseline code first, in the guest's time, and optimized code later.
 * The first run of a workload took 1.2 to 1.7 times as long so. It is compiled without checks of
 * the stack, which are 8 % of its code: its loops end by the budget of instructions, and it calls
 * itself no deeper than `transfer.ts` says. Only the V8 of Node 20 is known to have this form of
 * the proposal; another one is left as it is, and says nothing of unknown flags.
 */
export function compileAsHinted(): void {
  if (!process.versions.v8.startsWith('11.')) return;
  setFlagsFromString('--experimental-wasm-compilation-hints');
  // Hints are not read where all modules are lazy; those of the interpreter ask for it themselves.
  setFlagsFromString('--no-wasm-lazy-compilation');
  setFlagsFromString('--no-wasm-stack-checks');
}
