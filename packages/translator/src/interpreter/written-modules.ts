/**
 * Stands for what the build writes: `write-modules.js` replaces this file in `dist` by one with
 * what `buildCoreModules` makes of `hotCases`, so that no process has to make it. Sources make it.
 */
import type { VariantEffects } from './core-module.ts';

/** `CoreModules` with bytes in base64; empty where no build wrote them. */
export const writtenModules: {
  readonly core: string;
  readonly handlers: string;
  readonly effects: VariantEffects;
} = { core: '', handlers: '', effects: [] };
