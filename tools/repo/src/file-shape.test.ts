import { describe, expect, it } from 'vitest';
import { type Exemption, longFiles, longFunctions, wideFiles } from './exemptions.ts';
import { functionsOf, parse, undocumentedExports } from './syntax.ts';
import { readWorkspaces } from './workspace.ts';

const MOST_LINES = 400;
const MOST_COLUMNS = 100;
const MOST_FUNCTION_LINES = 70;

const workspaces = readWorkspaces();
const files = workspaces.flatMap(({ sources }) => sources);

const covers = ({ path }: Exemption, place: string): boolean =>
  path.endsWith('/') ? place.startsWith(path) : place === path;

/** Faults without the exempted ones, and a fault for each exemption that exempts nothing. */
function judge(faults: readonly (readonly [string, string])[], exemptions: readonly Exemption[]) {
  const isExempt = (place: string): boolean => exemptions.some((each) => covers(each, place));
  const idle = exemptions
    .filter((each) => !each.path.endsWith('/') && !faults.some(([place]) => covers(each, place)))
    .map(({ path }) => `${path}: the exemption is not needed any more`);
  return [...faults.filter(([place]) => !isExempt(place)).map(([, fault]) => fault), ...idle];
}

describe('source files', () => {
  it(`have at most ${MOST_LINES} lines`, () => {
    const faults = files.flatMap(({ path, text }) => {
      const lines = text.split('\n').length - 1;
      return lines <= MOST_LINES
        ? []
        : [[path, `${path}: ${lines} lines; split it, or say why in exemptions.ts`] as const];
    });
    expect(judge(faults, longFiles)).toEqual([]);
  });

  it(`have lines of at most ${MOST_COLUMNS} columns`, () => {
    const faults = files.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        // A literal that cannot be broken, or an address in a comment, may stand out.
        if (line.length <= MOST_COLUMNS || /^\s*(\/\/|\*|['"`]).*\S{60}/.test(line)) return [];
        return [[path, `${path}:${index + 1}: ${line.length} columns`] as const];
      }),
    );
    expect(judge(faults, wideFiles)).toEqual([]);
  });

  it(`have functions of at most ${MOST_FUNCTION_LINES} lines`, () => {
    const faults = files
      .filter(({ isTest }) => !isTest)
      .flatMap((file) =>
        functionsOf(parse(file))
          .filter(({ lines }) => lines > MOST_FUNCTION_LINES)
          .map(({ name, line, lines }) => {
            const place = `${file.path}#${name}`;
            return [place, `${place} (line ${line}): ${lines} lines`] as const;
          }),
      );
    expect(judge(faults, longFunctions)).toEqual([]);
  });

  it('are named in kebab-case', () => {
    const odd = files.filter(({ path }) => !/\/[a-z0-9]+([-.][a-z0-9]+)*\.ts$/.test(path));
    expect(odd.map(({ path }) => path)).toEqual([]);
  });
});

describe('index.ts', () => {
  it('only exports', () => {
    const faults = files
      .filter(({ path }) => /^(packages|apps)\/[^/]+\/src\/index\.ts$/.test(path))
      .filter((file) =>
        parse(file).statements.some(
          (statement) => !/^export\b.*from|^export \{\}/s.test(statement.getText()),
        ),
      );
    expect(faults.map(({ path }) => path)).toEqual([]);
  });
});

describe('exported names', () => {
  it('have a doc comment', () => {
    const faults = files
      .filter(({ isTest }) => !isTest)
      .flatMap((file) =>
        undocumentedExports(parse(file)).map(
          ({ name, line }) => `${file.path}:${line}: ${name} has no doc comment`,
        ),
      );
    expect(faults).toEqual([]);
  });
});
