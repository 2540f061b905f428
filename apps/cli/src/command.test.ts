import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommand } from './command.ts';
import type { InputStream } from './console-streams.ts';
import { TestMachine } from './test-machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

class PipeInput extends EventEmitter implements InputStream {
  resume(): void {}
  pause(): void {}
}

/** Runs a command line with a machine that follows the script. */
async function run(args: string, script: (machine: TestMachine) => void = () => {}) {
  let stdout = '';
  let stderr = '';
  const stdin = new PipeInput();
  const machines: TestMachine[] = [];
  let signal: (status: number) => void = () => {};
  const status = await runCommand(args.split(' ').filter(Boolean), {
    streams: {
      stdin,
      stdout: { write: (text) => (stdout += Buffer.from(text).toString('latin1')) },
      stderr: { write: (text) => (stderr += Buffer.from(text).toString('latin1')) },
    },
    createMachine: (options) => {
      const machine = new TestMachine(options, script);
      machines.push(machine);
      return machine;
    },
    onSignal: (leave) => {
      signal = leave;
      setImmediate(() => script === interrupt && signal(130));
      return () => {};
    },
  });
  return { status, stdout, stderr, machine: machines[0], stdin };
}
const interrupt = (): void => {};

describe('the end of a run', () => {
  it('has status 0 when the guest switches itself off', async () => {
    const { status, machine } = await run('run', (guest) => guest.end({ reason: 'poweroff' }));
    expect(status).toBe(0);
    expect(machine?.disposals).toBe(1);
  });

  it('has status 3 and says where for a triple fault', async () => {
    const { status, stderr } = await run('run -no-reboot', (guest) =>
      guest.end({ reason: 'triple-fault', where: '0008:00100000' }),
    );
    expect(status).toBe(3);
    expect(stderr).toBe('ringfence: triple fault at 0008:00100000\n');
  });

  it('has status 3 when a guest of Xen crashes', async () => {
    const { status, stderr } = await run('run -machine xenpv', (guest) =>
      guest.end({ reason: 'crash', cause: 'guest' }),
    );
    expect(status).toBe(3);
    expect(stderr).toBe('ringfence: the guest crashed\n');
  });

  it('has the status that the guest wrote to isa-debug-exit', async () => {
    const { status } = await run('run -device isa-debug-exit', (guest) =>
      guest.end({ reason: 'debug-exit', value: 16, status: 33 }),
    );
    expect(status).toBe(33);
  });

  it('has status 124 when --timeout passes', async () => {
    const { status, stderr } = await run('run --timeout 0.05');
    expect(status).toBe(124);
    expect(stderr).toContain('no end within 0.05 seconds');
  });

  it('has the status of a signal', async () => {
    expect((await run('run', interrupt)).status).toBe(130);
  });
});

describe('serial output', () => {
  it('goes to standard output byte for byte, all of it before the end', async () => {
    const { stdout } = await run('run -nographic', (guest) => {
      guest.send(0, 'one\r\n');
      guest.send(0, '\xff\x00');
      guest.end({ reason: 'poweroff' });
    });
    expect(stdout).toBe('one\r\n\xff\x00');
  });

  it('ends the run with status 0 when it matches --until', async () => {
    const { status, stdout } = await run('run --until BOOT-.K', (guest) => {
      guest.send(0, 'BOOT');
      setImmediate(() => guest.send(0, '-OK\n'));
    });
    expect(status).toBe(0);
    expect(stdout).toBe('BOOT-OK\n');
  });

  it('of a port that goes to a file is watched too', async () => {
    const path = join(folder, 'serial');
    const { status, stdout } = await run(
      `run -serial null -serial file:${path} --until ready`,
      (guest) => guest.send(1, 'ready'),
    );
    expect([status, stdout, readFileSync(path, 'utf8')]).toEqual([0, '', 'ready']);
  });
});

describe('the screen', () => {
  it('ends the run when it matches --until-screen', async () => {
    const { status } = await run('run --until-screen ^login:', (guest) => {
      guest.screenText = 'Debian\nlogin: ';
    });
    expect(status).toBe(0);
  });

  it('is waited for before --type types', async () => {
    const { machine } = await run(
      'run --type root --type-after login: --until-screen done',
      (guest) => {
        guest.screenText = 'starting';
        setTimeout(() => {
          expect(guest.typed).toEqual([]);
          guest.screenText = 'login:';
        }, 250);
        const wait = setInterval(() => {
          if (guest.typed.length === 0) return;
          clearInterval(wait);
          guest.screenText = 'done';
        }, 20);
      },
    );
    expect(machine?.typed).toEqual(['root']);
  });

  it('is written to a file on leaving', async () => {
    const path = join(folder, 'screen');
    await run(`run --screen-text ${path}`, (guest) => {
      guest.screenText = 'a\nb';
      guest.end({ reason: 'poweroff' });
    });
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
  });

  it('is written as a picture on leaving', async () => {
    const path = join(folder, 'screen.png');
    await run(`run --screenshot ${path}`, (guest) => guest.end({ reason: 'poweroff' }));
    expect([...readFileSync(path)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
  });
});

describe('--stats', () => {
  it('writes the counters as JSON, whatever ended the run', async () => {
    const path = join(folder, 'stats');
    await run(`run --timeout 0.01 --stats ${path}`);
    const stats = JSON.parse(readFileSync(path, 'utf8')) as { instructions: unknown };
    expect(stats.instructions).toEqual({ interpreted: 42, translated: 0, total: 42 });
  });

  it('fails with status 1 when the file cannot be written', async () => {
    const { status, stderr } = await run(`run --stats ${folder}/no/file`, (guest) =>
      guest.end({ reason: 'poweroff' }),
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/--stats.*no such file/);
  });
});

describe('a guest that waits with interrupts off', () => {
  it('is told, and goes on', async () => {
    const { status, stderr } = await run('run', (guest) => {
      guest.tell('halted');
      guest.end({ reason: 'poweroff' });
    });
    expect(status).toBe(0);
    expect(stderr).toContain('waits with interrupts off');
  });
});

describe('wrong usage', () => {
  it.each([
    ['', 'expected a command, run, disk, explain or help, found nothing'],
    ['walk', 'found "walk"'],
    ['run -what', 'found "-what"'],
    ['run -kernel', 'option -kernel'],
    ['run -m x', 'option -m'],
    [`run -kernel ${folder}/none`, 'no such file'],
    ['run -append x', 'option -append'],
    ['run -serial what', 'option -serial'],
  ])('"%s" has status 2 and a message', async (args, message) => {
    const { status, stderr, machine } = await run(args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^ringfence: /);
    expect(stderr).toContain(message);
    expect(machine).toBeUndefined();
  });
});

describe('help', () => {
  it.each(['help', '--help', 'run --help', '-h'])('is printed for "%s"', async (args) => {
    const { status, stdout } = await run(args);
    expect(status).toBe(0);
    expect(stdout).toContain('-kernel FILE');
    expect(stdout).toContain('--until REGEX');
  });

  it('has the version beside it', async () => {
    expect((await run('version')).stdout).toMatch(/^ringfence \d+\.\d+\.\d+\n$/);
  });
});
