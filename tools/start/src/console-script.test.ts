import type { SerialPort } from '@ringfence/machine';
import { describe, expect, it } from 'vitest';
import { ConsoleScript, SHELL_PROMPT } from './console-script.ts';

/** A console and a clock in the hands of the test. */
class Bench {
  readonly typed: string[] = [];
  timers: { at: number; callback: () => void }[] = [];
  now = 0;
  #listener: ((bytes: Uint8Array) => void) | undefined;
  readonly script: ConsoleScript;

  constructor(lines: readonly string[]) {
    const console: SerialPort = {
      write: (bytes) => this.typed.push(String(bytes)),
      drained: () => Promise.resolve(),
      onData: (listener) => {
        this.#listener = listener;
        return () => (this.#listener = undefined);
      },
      expect: () => Promise.reject(new Error('not in this test')),
    };
    this.script = new ConsoleScript(console, asyncLines(lines), {
      prompt: SHELL_PROMPT,
      idleMs: 2000,
      atEnd: () => void this.typed.push('(end)'),
      setTimer: (callback, delayMs) => {
        const timer = { at: this.now + delayMs, callback };
        this.timers.push(timer);
        return () => (this.timers = this.timers.filter((each) => each !== timer));
      },
    });
  }

  say(text: string): void {
    this.#listener?.(Buffer.from(text));
  }

  async wait(ms: number): Promise<void> {
    for (const end = this.now + ms; ;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.timers.sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) {
        this.now = end;
        return;
      }
      this.timers.shift();
      this.now = next.at;
      next.callback();
    }
  }
}

async function* asyncLines(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

describe('ConsoleScript', () => {
  it('types nothing before the first prompt, however long the guest boots', async () => {
    const bench = new Bench(['id']);
    bench.say('[    0.0] Linux version\r\n');
    await bench.wait(60_000);
    expect(bench.typed).toEqual([]);
    bench.say('/root # ');
    await bench.wait(100);
    expect(bench.typed).toEqual(['id\r']);
  });

  it('types a line at each prompt and ends at the one after the last', async () => {
    const bench = new Bench(['one', 'two']);
    bench.say('# ');
    await bench.wait(100);
    bench.say('one\r\n1\r\n# ');
    await bench.wait(100);
    expect(bench.typed).toEqual(['one\r', 'two\r']);
    bench.say('two\r\n2\r\n# \x1b[6n');
    await bench.wait(100);
    expect(bench.typed).toEqual(['one\r', 'two\r', '(end)']);
  });

  it('types the next line to a program that shows no prompt, after a silence', async () => {
    const bench = new Bench(['cat', 'text']);
    bench.say('# ');
    await bench.wait(100);
    bench.say('cat\r\n');
    await bench.wait(1900);
    expect(bench.typed).toEqual(['cat\r']);
    await bench.wait(200);
    expect(bench.typed).toEqual(['cat\r', 'text\r']);
  });

  it('is not taken in by what looks like a prompt inside other output', async () => {
    const bench = new Bench(['one', 'two']);
    bench.say('# ');
    await bench.wait(100);
    bench.say('progress 50 > ');
    await bench.wait(10);
    bench.say('60\r\n');
    await bench.wait(1000);
    expect(bench.typed).toEqual(['one\r']);
  });

  it('asks for a new prompt at its end when something stands behind the last', async () => {
    const bench = new Bench([]);
    bench.say('# ');
    bench.say('[    9.0] random: crng init done\r\n');
    await bench.wait(2100);
    // The end of the script is known only now.
    await bench.wait(2100);
    expect(bench.typed).toEqual(['\r']);
    bench.say('\r\n# ');
    await bench.wait(100);
    expect(bench.typed).toEqual(['\r', '(end)']);
  });

  it('types nothing after it was disposed', async () => {
    const bench = new Bench(['one']);
    bench.say('# ');
    bench.script.dispose();
    await bench.wait(5000);
    expect(bench.typed).toEqual([]);
  });
});

describe('SHELL_PROMPT', () => {
  it.each(['~ # ', '/root # \x1b[6n', 'Starting...\r\n$ ', '> '])('matches %j', (text) => {
    expect(SHELL_PROMPT.test(text)).toBe(true);
  });

  it.each(['BOOT-OK\r\n', '# ls\r\n', 'done.'])('does not match %j', (text) => {
    expect(SHELL_PROMPT.test(text)).toBe(false);
  });
});
