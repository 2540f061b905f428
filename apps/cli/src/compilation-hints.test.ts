import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Bytes of a custom section `compilationHints` with one hint. */
const section = [...Buffer.from('compilationHints'), 1];

/**
 * A module (Core Specification 5.5) of one function `f` that does nothing, of type 0, with a hint
 * behind the function section.
 */
const moduleWith = (hint: number): readonly number[] => [
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 4, 1, 0x60, 0, 0],
  ...[3, 2, 1, 0],
  ...[0, section.length + 2, 16, ...section, hint],
  ...[7, 5, 1, 1, 0x66, 0, 0],
  ...[10, 4, 1, 2, 0, 0x0b],
];

/** What V8 says of its compilers while a module with a hint is compiled and its function called. */
function compilers(hint: number): string {
  const script = `
    import { compileAsHinted } from './compilation-hints.ts';
    compileAsHinted();
    const module = await WebAssembly.compile(Uint8Array.of(${moduleWith(hint).join()}));
    console.log('compiled');
    new WebAssembly.Instance(module).exports.f();`;
  const args = [
    '--trace-wasm-compilation-times',
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    script,
  ];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: here });
  const lines = stdout.split('\n').filter((line) => /Liftoff|TurboFan|^compiled/.test(line));
  return lines.map((line) => /Liftoff|TurboFan|compiled$/.exec(line)?.[0]).join(' ');
}

describe.runIf(process.versions.v8.startsWith('11.'))('compileAsHinted', () => {
  it.each([
    [0x2a, 'TurboFan compiled'],
    [0x01, 'compiled Liftoff'],
  ])('has a module with the hint %i compiled so', (hint, order) => {
    expect(compilers(hint)).toBe(order);
  });
});
