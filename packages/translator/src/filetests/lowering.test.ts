/**
 * Every lowering against its file. `RINGFENCE_UPDATE=1 npx vitest run
 * packages/translator/src/filetests` writes the files anew: read the difference before it is
 * committed.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SEMANTICS } from '../semantics/index.ts';
import { fileOf, outputOf, readCases } from './test-file-case.ts';
import { operationInputs } from './test-operation-inputs.ts';

const isUpdate = process.env['RINGFENCE_UPDATE'] === '1';
const folderOf = (name: string): string => fileURLToPath(new URL(`${name}/`, import.meta.url));
const advice = 'RINGFENCE_UPDATE=1 npx vitest run packages/translator/src/filetests writes it anew';

const inputs = operationInputs();
/** Operations that only 64-bit code has. */
const wide: ReadonlySet<string> = new Set(['MOVSXD']);
const operations = [...SEMANTICS.keys()].filter((operation) => !wide.has(operation)).sort();
const fileName = (operation: string): string =>
  `${folderOf('operations')}${operation.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.txt`;

describe('the lowering of examples', () => {
  const folder = folderOf('cases');
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

  it.each(names)('is that of cases/%s', (name) => {
    const text = readFileSync(folder + name, 'utf8');
    if (isUpdate) writeFileSync(folder + name, fileOf(readCases(text).map(({ input }) => input)));
    else
      for (const { input, expected } of readCases(text)) {
        expect(outputOf(input), advice).toBe(expected);
      }
  });
});

describe('the lowering of each operation', () => {
  it('has an instruction that the decoder knows', () => {
    expect(operations.filter((operation) => !inputs.has(operation))).toEqual([]);
  });

  it.each(operations)('is that of its file: %s', (operation) => {
    const path = fileName(operation);
    const written = (inputs.get(operation) ?? []).map((text) => `; ${operation}\n${text}`);
    const known = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (isUpdate) writeFileSync(path, fileOf(written));
    else {
      expect(
        readCases(known).map(({ input }) => input),
        advice,
      ).toEqual(written);
      expect(known, advice).toBe(fileOf(written));
    }
  });

  it('reaches nothing that is kept in a local by an address that is computed', () => {
    const texts = operations.flatMap((operation) => inputs.get(operation) ?? []);
    expect(texts.length).toBeGreaterThan(500);
    for (const text of texts) {
      const output = outputOf(text);
      if (output.includes('(registers in memory)')) continue;
      expect(output).not.toMatch(/load \S+ xmm[0-7] \S/);
      expect(output).not.toMatch(/store \S+ xmm[0-7] \S+ \S/);
    }
  });

  it('has no file of an operation that is no more', () => {
    const names = operations.map((operation) => fileName(operation));
    expect(new Set(names).size).toBe(names.length);
    const folder = folderOf('operations');
    const present = readdirSync(folder).map((name) => folder + name);
    expect(present.filter((name) => !names.includes(name))).toEqual([]);
  });
});
