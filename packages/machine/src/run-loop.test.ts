import type { CpuStop } from '@ringfence/cpu';
import { describe, expect, it } from 'vitest';

import type { MachineState } from './api.ts';
import { RequestBox } from './requests.ts';
import { heartbeatMs, inputPollMs, maximumBudget, RunLoop } from './run-loop.ts';
import type { LoopCpu } from './run-loop.ts';
import { TestHost } from './test-host.ts';
import { HostClock, InstructionClock } from './time/machine-clock.ts';
import { TimerQueue } from './time/timer-queue.ts';

/** A CPU that does what a test's script says: each call of `run` is one line of it. */
class ScriptedCpu implements LoopCpu {
  instructions: number = 0;
  canWake: boolean = true;
  readonly budgets: number[] = [];
  script: (budget: number) => CpuStop = () => 'budget';

  run(budget: number): CpuStop {
    this.budgets.push(budget);
    const stop = this.script(budget);
    this.instructions += stop === 'budget' ? budget : 0;
    return stop;
  }
}

function make(kind: 'host' | 'instructions') {
  const host = new TestHost();
  const cpu = new ScriptedCpu();
  const clock =
    kind === 'host'
      ? new HostClock(() => host.monotonicMs())
      : new InstructionClock(() => cpu.instructions, 1);
  const timers = new TimerQueue(() => undefined);
  const requests = new RequestBox(() => undefined);
  const states: MachineState[] = [];
  const served: string[] = [];
  const input = { waits: false };
  const calls = { before: 0, after: 0, rests: [] as number[] };
  const loop: RunLoop = new RunLoop({
    host,
    clock,
    timers,
    cpu,
    requests,
    beforeSlice: () => (calls.before += 1),
    inputWaits: () => input.waits,
    afterSlice: () => (calls.after += 1),
    onRest: () => calls.rests.pop() ?? Infinity,
    serve: (request) => {
      const { kind } = request;
      served.push(kind === 'end' ? request.end.reason : kind === 'reset' ? request.cause : kind);
      if (request.kind === 'end') {
        loop.end('ended');
      }
      return request.kind === 'reset';
    },
    onState: (state) => states.push(state),
  });
  return { input, host, cpu, clock, timers, requests, states, served, calls, loop };
}

describe('RunLoop', () => {
  it('runs the CPU until the slice is over, and tells before and after', () => {
    const { host, cpu, calls, loop, states } = make('host');
    host.msPerLook = 1;
    expect(loop.runSlice(20)).toBe('running');
    expect(cpu.budgets.length).toBeGreaterThan(3);
    expect(host.ms).toBeLessThan(30);
    expect([calls.before, calls.after, states]).toEqual([1, 1, ['running']]);
  });

  it('gives the CPU exactly the instructions up to the next timer', () => {
    const { host, cpu, clock, timers, loop } = make('instructions');
    host.msPerLook = 1;
    const fired: number[] = [];
    const timer = timers.create(() => fired.push(clock.now()));
    timer.arm(1234);
    loop.runSlice(2.5);
    expect(cpu.budgets.slice(0, 2)).toEqual([1234, maximumBudget]);
    expect(fired).toEqual([1234]);
  });

  it('skips the time in which the CPU waits, with the instruction clock', () => {
    const { host, cpu, clock, timers, loop } = make('instructions');
    host.msPerLook = 1;
    const fired: number[] = [];
    const timer = timers.create(() => {
      fired.push(clock.now());
      if (fired.length < 3) {
        timer.arm(clock.now() + 1e9);
      }
    });
    timer.arm(1e9);
    cpu.script = () => 'halt';
    expect(loop.runSlice(100)).toBe('running');
    expect(fired).toEqual([1e9, 2e9, 3e9]);
  });

  it('leaves the slice while the CPU waits, and comes back at the deadline', () => {
    const { host, cpu, timers, loop } = make('host');
    let fired = 0;
    timers.create(() => (fired += 1)).arm(250e6);
    cpu.script = () => 'halt';
    loop.start();
    host.turn();
    expect([fired, host.nextMs]).toEqual([0, 250]);
    host.turn();
    expect([fired, host.ms]).toEqual([1, 250]);
  });

  it('shows a heartbeat while the CPU waits and nothing is due', () => {
    const { host, cpu, loop } = make('host');
    cpu.script = () => 'halt';
    loop.start();
    host.turn();
    expect(host.nextMs).toBe(heartbeatMs);
  });

  it('comes back soon while input waits for room', () => {
    const { host, cpu, loop, input } = make('host');
    cpu.script = () => 'halt';
    input.waits = true;
    loop.start();
    host.turn();
    expect(host.nextMs).toBe(inputPollMs);
  });

  it('does other work while the CPU waits, and still comes back in time', () => {
    const { host, cpu, timers, calls, loop } = make('host');
    let fired = 0;
    timers.create(() => (fired += 1)).arm(250e6);
    cpu.script = () => 'halt';
    calls.rests.push(7000, 2, 0);
    loop.start();
    const waits = [];
    for (let turn = 0; turn < 4; turn++) {
      host.turn();
      waits.push(host.nextMs);
    }
    expect([waits, fired]).toEqual([[0, 2, 248, heartbeatMs], 1]);
  });

  it('leaves the time of a CPU that runs to it', () => {
    const { host, calls, loop } = make('host');
    host.msPerLook = 1;
    calls.rests.push(0);
    loop.start();
    host.turn();
    expect(calls.rests).toEqual([0]);
  });

  it('goes on at once when it is woken', () => {
    const { host, cpu, loop } = make('host');
    cpu.script = () => 'halt';
    loop.start();
    host.turn();
    loop.wake();
    expect([host.nextMs, host.waiting]).toEqual([0, 1]);
  });

  it('is halted while the CPU waits with interrupts off, and asks for no more time', () => {
    const { host, cpu, loop, states } = make('host');
    cpu.script = () => 'halt';
    cpu.canWake = false;
    loop.start();
    host.turn();
    expect([loop.state, states, host.waiting]).toEqual(['halted', ['running', 'halted'], 0]);
    cpu.script = () => 'budget';
    loop.restarted();
    expect([loop.state, host.waiting]).toEqual(['running', 1]);
  });

  it('serves a request before the next instruction', () => {
    const { host, cpu, loop, requests, served } = make('host');
    cpu.script = () => {
      requests.ask({ kind: 'end', end: { reason: 'poweroff' } });
      requests.ask({ kind: 'reset', cause: 'guest' });
      return 'budget';
    };
    loop.start();
    host.turn();
    expect([loop.state, served, cpu.budgets.length, host.waiting]).toEqual([
      'ended',
      ['poweroff'],
      1,
      0,
    ]);
    expect(loop.runSlice(10)).toBe('ended');
    loop.start();
    expect(host.waiting).toBe(0);
  });

  it('makes a reset of a triple fault, and goes on', () => {
    const { host, cpu, loop, served } = make('host');
    host.msPerLook = 1;
    cpu.script = () => (cpu.budgets.length === 1 ? 'tripleFault' : 'budget');
    loop.runSlice(10);
    expect(served).toEqual(['triple-fault']);
    expect(cpu.budgets.length).toBeGreaterThan(1);
  });

  it('stands still after pause, and guest time with it', () => {
    const { host, clock, loop, states } = make('host');
    host.msPerLook = 1;
    loop.start();
    host.turn();
    loop.pause();
    const stoodAt = clock.now();
    host.ms += 5000;
    expect([loop.state, host.waiting, clock.now()]).toEqual(['paused', 0, stoodAt]);
    loop.start();
    host.turn();
    expect(clock.now() - stoodAt).toBeLessThan(100e6);
    expect(states).toEqual(['running', 'paused', 'running']);
  });

  it('takes a pause from within a slice at its end', () => {
    const { host, cpu, loop } = make('host');
    host.msPerLook = 1;
    cpu.script = () => {
      loop.pause();
      return 'budget';
    };
    loop.start();
    host.turn();
    expect([loop.state, host.waiting]).toEqual(['paused', 0]);
  });

  it('counts as stolen the time between slices in which the CPU wanted to run', () => {
    const { host, cpu, loop } = make('host');
    host.msPerLook = 1;
    loop.runSlice(5);
    const before = loop.stolenNs();
    host.ms += 30;
    loop.runSlice(5);
    expect(loop.stolenNs() - before).toBe(31e6);
    cpu.script = () => 'halt';
    loop.runSlice(5);
    const idle = loop.stolenNs();
    host.ms += 30;
    loop.runSlice(5);
    expect(loop.stolenNs()).toBe(idle);
  });

  it('does not run within itself', () => {
    const { host, cpu, loop } = make('host');
    host.msPerLook = 1;
    let inner = '';
    cpu.script = () => {
      inner = loop.runSlice(5);
      return 'budget';
    };
    loop.runSlice(3);
    expect(inner).toBe('running');
    expect(cpu.budgets.length).toBeLessThan(5);
  });
});
