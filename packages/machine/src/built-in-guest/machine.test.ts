import { describe, expect, it } from 'vitest';

import type { Machine } from '../api.ts';
import { createMachine } from '../machine.ts';
import type { MachineOptions } from '../options/machine-options.ts';
import { TestHost } from '../test-host.ts';
import { runToState, runUntil } from '../test-kernel.ts';

interface Session {
  readonly host: TestHost;
  readonly machine: Machine;
  /** Types a command and returns what the guest answers. */
  command(line: string): Promise<string>;
}

async function boot(more: Partial<MachineOptions> = {}): Promise<Session> {
  const host = new TestHost();
  host.msPerLook = 0.05;
  const machine = await createMachine({
    memoryBytes: 0x20_0000,
    boot: { kind: 'built-in' },
    host,
    debugExitPort: 0xf4,
    noReboot: true,
    ...more,
  });
  await runUntil(machine, host, /Type help\.\r\n> /);
  const command = async (line: string): Promise<string> => {
    machine.serial[0]?.write(`${line}\r`);
    const output = await runUntil(machine, host, /\r\n> /);
    return output.slice(line.length + 2, -4).replaceAll('\r', '');
  };
  return { host, machine, command };
}

describe.each(['host', 'instructions'] as const)('the built-in guest, clock %s', (clock) => {
  it('lists its commands', async () => {
    const { command } = await boot({ clock });
    expect(await command('help')).toMatch(/^ {2}help +this list\n[^]*poweroff/);
  });

  it('shows on the screen what it says', async () => {
    const { command, machine } = await boot({ clock });
    await command('smc');
    const rows = machine.screen.text().split('\n');
    expect(rows.slice(0, 3)).toEqual([
      'Ringfence built-in guest. Type help.',
      '> smc',
      'smc: sum over 1000 changed calls is 499500, should be 499500',
    ]);
  });

  it('sees the memory map', async () => {
    const { command } = await boot({ clock });
    expect(await command('mem')).toBe(
      [
        'mem: lower 639 KiB, upper 1024 KiB',
        'mem: 00000000 + 0009fc00 type 1',
        'mem: 0009fc00 + 00000400 type 2',
        'mem: 000e0000 + 00020000 type 2',
        'mem: 00100000 + 00100000 type 1',
      ].join('\n'),
    );
  });

  it('maps, remaps, faults in and protects pages, again and again', async () => {
    const { command } = await boot({ clock });
    const answer = [
      'paging: on',
      'paging: wrote 12345678 through the alias, frame A has 12345678',
      'paging: entry of the alias is 00113063 (accessed and dirty are 60)',
      'paging: remapped, the alias reads 0000bbbb',
      'paging: fault at 00401000, error 2',
      'paging: the write was done again, frame A has 600dcafe',
      'paging: fault at 00400000, error 3',
      'paging: allowed after the fault, frame B has 5afe5afe',
      'paging: off',
    ].join('\n');
    expect(await command('paging')).toBe(answer);
    expect(await command('paging')).toBe(answer);
  });

  it('goes to ring 3 and back', async () => {
    const { command } = await boot({ clock });
    const answer = [
      'ring3: system call from a program in ring 3',
      'ring3: CLI refused, general protection fault with error 0',
      'ring3: back in ring 0',
    ].join('\n');
    expect(await command('ring3')).toBe(answer);
    expect(await command('ring3')).toBe(answer);
  });

  it('runs code that changes itself', async () => {
    const { command } = await boot({ clock });
    expect(await command('smc')).toBe(
      'smc: sum over 1000 changed calls is 499500, should be 499500\n' +
        'smc: the next instruction loads 66, should be 66',
    );
  });

  it('takes its time from the hypervisor', async () => {
    const { command, host, machine } = await boot({ clock });
    const answer = await command('hypercall');
    expect(answer).toContain('signature KVMKVMKVM, features 0100006b');
    expect(answer).toContain('poll gives 0, an unknown call gives -1000');
    const [first = 0n, second = 0n] = [.../[0-9a-f]{16}/g[Symbol.matchAll](answer)].map((match) =>
      BigInt(`0x${match[0]}`),
    );
    expect(first).toBeGreaterThan(0n);
    expect(second).toBeGreaterThan(first);
    const started = Number(/started at (\d+)/.exec(answer)?.[1]);
    const wanted = clock === 'host' ? host.unixMs / 1000 : Date.UTC(2026, 0, 1) / 1000;
    expect(Math.abs(started - wanted)).toBeLessThanOrEqual(1);
    machine.dispose();
  });

  it('counts the timer and the time-stamp counter at rates that agree', async () => {
    const { command } = await boot({ clock });
    const counts = Number(/took (\d+) counts/.exec(await command('time'))?.[1]);
    // Five ticks of 11932 / 1193182 seconds, in nanoseconds.
    expect(Math.abs(counts - 50_000_587)).toBeLessThan(clock === 'host' ? 11e6 : 20_000);
  });

  it('answers an unknown command and edits a line', async () => {
    const { command } = await boot({ clock });
    expect(await command('nonsense')).toBe('unknown command: nonsense');
    expect(await command('smcx\b')).toContain('should be 66');
  });

  it('leaves by debug exit, triple fault, reset and power-off', async () => {
    for (const [line, end] of [
      ['exit', { reason: 'debug-exit', value: 21, status: 43 }],
      ['crash', { reason: 'triple-fault' }],
      ['reboot', { reason: 'reset' }],
      ['poweroff', { reason: 'poweroff' }],
    ] as const) {
      const { host, machine } = await boot({ clock });
      machine.serial[0]?.write(`${line}\r`);
      runToState(machine, host, 'ended');
      expect(await machine.start()).toMatchObject(end);
      machine.dispose();
    }
  });

  it('halts for ever, and is there again after the reset button', async () => {
    const { host, machine } = await boot({ clock });
    machine.serial[0]?.write('halt\r');
    runToState(machine, host, 'halted');
    machine.reset();
    expect(await runUntil(machine, host, /Type help/)).toContain('Ringfence built-in guest');
  });
});

describe('the instruction clock', () => {
  const run = async (msPerLook: number): Promise<string> => {
    const host = new TestHost();
    const machine = await createMachine({
      memoryBytes: 0x20_0000,
      boot: { kind: 'built-in' },
      host,
      clock: 'instructions',
    });
    host.msPerLook = msPerLook;
    machine.serial[0]?.write('paging\rring3\rhypercall\rtime\rsmc\rhalt\r');
    let output = '';
    machine.serial[0]?.onData((bytes) => (output += String.fromCharCode(...bytes)));
    runToState(machine, host, 'halted');
    const { instructions, exits, shadow } = machine.stats();
    return JSON.stringify([output, instructions, exits, shadow]);
  };

  it('gives the same run, whatever the speed of the host and the length of slices', async () => {
    const first = await run(0.01);
    expect(first).toContain('waiting with interrupts off');
    expect(await run(0.01)).toBe(first);
    expect(await run(3)).toBe(first);
  });
});

describe('two machines in one process', () => {
  it('run side by side without meeting', async () => {
    const [one, other] = [await boot(), await boot({ clock: 'instructions' })];
    const answers = await Promise.all([one.command('paging'), other.command('ring3')]);
    expect(answers[0]).toContain('paging: off');
    expect(answers[1]).toContain('ring3: back');
    one.machine.dispose();
    expect(await other.command('smc')).toContain('should be 66');
  });
});
