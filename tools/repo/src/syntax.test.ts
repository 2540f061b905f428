import { expect, it } from 'vitest';
import { functionsOf, importsOf, parse, undocumentedExports } from './syntax.ts';

const tree = (text: string) => parse({ path: 'x.ts', text });

it('finds imports, re-exports and imports of types', () => {
  const text = `import a from 'a'; import type { B } from 'b'; export * from './c.ts';`;
  expect(importsOf({ text })).toEqual(['a', 'b', './c.ts']);
});

it('measures functions, methods and arrow functions by their lines', () => {
  const text = 'function f() {\n}\nclass C {\n  m() {\n\n  }\n}\nconst g = () => {\n};\n';
  expect(functionsOf(tree(text))).toEqual([
    { name: 'f', line: 1, lines: 2 },
    { name: 'm', line: 4, lines: 3 },
    { name: 'g', line: 8, lines: 2 },
  ]);
});

it('finds exported declarations without a doc comment', () => {
  const text = `/** Says what a is. */
export const a = 1;
// No doc comment.
export function b() {}
/** */
export class C {}
const d = 1;
export { d };
`;
  expect(undocumentedExports(tree(text)).map(({ name }) => name)).toEqual(['b', 'C']);
});

it('takes the doc comment of the first signature for its overloads', () => {
  const text = `/** Does one of two. */
export function f(a: string): void;
export function f(a: number): void;
export function f(): void {}
`;
  expect(undocumentedExports(tree(text))).toEqual([]);
});
