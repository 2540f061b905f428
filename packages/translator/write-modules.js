/**
 * The last step of the build: writes what every machine needs into `dist`, where
 * `src/interpreter/written-modules.ts` has none, so that no process has to make it.
 */
import { writeFileSync } from 'node:fs';
import { URL } from 'node:url';
import { hotCases, writtenModulesText } from './dist/index.js';

const file = new URL('./dist/interpreter/written-modules.js', import.meta.url);
writeFileSync(file, writtenModulesText(hotCases()));
