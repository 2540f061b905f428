/** The headings that the README of every package has, in this order; others may stand between. */
export const README_OUTLINE: readonly string[] = ['Design', 'Usage', 'Limits', 'Testing'];

/** Says what is wrong with the outline of a package's README. */
export function readmeFaults(name: string, text: string): string[] {
  const lines = outsideCode(text);
  const faults: string[] = [];
  if (lines[0] !== `# ${name}`) faults.push(`the first line is not "# ${name}"`);
  if (!/^[A-Z].*[.:]$/s.test(firstParagraph(lines))) {
    faults.push('no paragraph that says what it is stands under the title');
  }
  const headings = lines.filter((line) => line.startsWith('## ')).map((line) => line.slice(3));
  const outline = headings.filter((heading) => README_OUTLINE.includes(heading));
  if (outline.join() !== README_OUTLINE.join()) {
    faults.push(
      `the headings are "${headings.join('", "')}"; needed: ${README_OUTLINE.join(', ')}`,
    );
  }
  if (usagePrograms(text).length === 0) faults.push('no ```ts program stands under ## Usage');
  return faults;
}

/** The ts programs under the heading "Usage". */
export function usagePrograms(text: string): string[] {
  const programs: string[] = [];
  let heading = '';
  let fence: string | undefined;
  let program = '';
  for (const line of text.split('\n')) {
    if (fence !== undefined && line === '```') {
      if (fence === '```ts' && heading === '## Usage') programs.push(program);
      fence = undefined;
    } else if (fence !== undefined) {
      program += `${line}\n`;
    } else if (line.startsWith('```')) {
      fence = line;
      program = '';
    } else if (line.startsWith('## ')) {
      heading = line;
    }
  }
  return programs;
}

function firstParagraph(lines: readonly string[]): string {
  const start = lines.findIndex((line, index) => index > 0 && line !== '');
  const end = lines.findIndex((line, index) => index > start && line === '');
  return start < 0 ? '' : lines.slice(start, end < 0 ? undefined : end).join('\n');
}

function outsideCode(text: string): string[] {
  return text.replaceAll(/^```.*?^```$/gms, '').split('\n');
}
