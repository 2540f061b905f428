/** What translation is given: the engine that compiles, and the profile of earlier runs. */
import { type RegionCompiler, TranslationProfile } from '@ringfence/cpu';

import type { MachineOptions } from './options/machine-options.ts';

/** The engine that this program runs in. */
export const engine: RegionCompiler = { compile: (wasm) => WebAssembly.compile(wasm) };

/** The profile that a machine adds to, if it has one. */
export function profileOf({
  translationProfile,
  clock,
}: MachineOptions): TranslationProfile | undefined {
  if (translationProfile === undefined || clock === 'instructions') return undefined;
  return TranslationProfile.parse(translationProfile) ?? TranslationProfile.empty();
}
