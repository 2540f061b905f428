/**
 * The last step of the build: writes the modules that every machine needs into `dist`, where
 * `src/interpreter/written-modules.ts` has none, so that no process has to make them.
 */
import { Buffer } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import { URL } from 'node:url';
import { buildCoreModules, hotCases } from './dist/index.js';

const modules = Object.entries(buildCoreModules(hotCases()));
const rows = modules.map(
  ([name, bytes]) => `  ${name}: '${Buffer.from(bytes).toString('base64')}',`,
);
const text = `export const writtenModules = {\n${rows.join('\n')}\n};\n`;
writeFileSync(new URL('./dist/interpreter/written-modules.js', import.meta.url), text);
