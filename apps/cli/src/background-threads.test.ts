import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const module = fileURLToPath(new URL('background-threads.ts', import.meta.url));

describe('lowerBackgroundThreads', () => {
  it.runIf(process.platform === 'linux')('ranks all threads but the first lower', () => {
    const script = `
      import { readdirSync } from 'node:fs';
      import { getPriority } from 'node:os';
      import { lowerBackgroundThreads } from ${JSON.stringify(module)};
      const before = getPriority(process.pid);
      lowerBackgroundThreads();
      const threads = readdirSync('/proc/self/task').map(Number);
      const others = threads.filter((thread) => thread !== process.pid);
      const lower = others.filter((thread) => getPriority(thread) > before);
      const isSame = getPriority(process.pid) === before;
      console.log(others.length > 0, lower.length === others.length, isSame);`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script],
      { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) },
    );
    expect(stdout.trim(), stderr).toBe('true true true');
  });
});
