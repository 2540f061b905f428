/**
 * Stands for what the build writes: `write-modules.js` replaces this file in `dist` by one with
 * the modules of `hotCases` in base64, so that no process has to make them. Sources have none.
 */

/** The bytes of `CoreModules` in base64; empty where no build wrote them. */
export const writtenModules: { readonly core: string; readonly handlers: string } = {
  core: '',
  handlers: '',
};
