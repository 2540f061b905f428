import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { readmeFaults, usagePrograms } from './readme.ts';
import { read, readWorkspaces, root } from './workspace.ts';

const execute = promisify(execFile);
const readmes = readWorkspaces().map(({ folder, manifest }) => ({
  folder,
  name: manifest.name,
  text: read(`${folder}/README.md`),
}));

const good = `# @ringfence/x

A package.

## Design
## Usage

\`\`\`ts
## Limits
\`\`\`

## Limits
## Testing
`;

describe('readmeFaults', () => {
  it('finds none in a README with the outline', () => {
    expect(readmeFaults('@ringfence/x', good)).toEqual([]);
  });

  it('tells a wrong title, a missing heading and a missing program', () => {
    const bad = good.replace('## Limits\n## Testing', '## Testing').replace('```ts', '```js');
    expect(readmeFaults('@ringfence/y', bad)).toEqual([
      'the first line is not "# @ringfence/y"',
      'the headings are "Design", "Usage", "Testing"; needed: Design, Usage, Limits, Testing',
      'no ```ts program stands under ## Usage',
    ]);
  });
});

describe('usagePrograms', () => {
  it('gives the ts programs under Usage and no others', () => {
    expect(usagePrograms(`${good}\`\`\`ts\nelsewhere\n\`\`\`\n`)).toEqual(['## Limits\n']);
  });
});

describe('README.md', () => {
  it.each(readmes)('of $name has the outline', ({ name, text }) => {
    expect(readmeFaults(name, text ?? '')).toEqual([]);
  });

  const programs = readmes.flatMap(({ folder, name, text }) =>
    usagePrograms(text ?? '').map((program) => ({ folder, name, program })),
  );
  it.each(programs)('of $name holds a program that runs', async ({ folder, program }) => {
    const conditions = '--conditions=@ringfence/source';
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    const code = ts.transpileModule(program, { compilerOptions: options }).outputText;
    const args = [conditions, '--import', 'tsx', '--input-type=module', '--eval', code];
    const { stdout } = await execute(process.execPath, args, {
      cwd: join(root, folder),
      timeout: 120_000,
    });
    expect(stdout).not.toBe('');
  });
});
