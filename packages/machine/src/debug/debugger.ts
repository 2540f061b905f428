/** What a debugger outside of the guest works on: one machine, one connection at a time. */
import type { Cpu } from '@ringfence/cpu';
import { Word } from '@ringfence/cpu';
import type { PhysicalMemory } from '@ringfence/memory';

import { GdbStub } from './gdb-stub.ts';
import type { DebugTarget } from './gdb-stub.ts';

/** A connection that speaks GDB's remote serial protocol. */
export interface DebugConnection {
  /** Takes bytes from the debugger. */
  receive(bytes: Uint8Array): void;
  /** The debugger has gone: its breakpoints go, and the guest runs on. */
  close(): void;
}

/** What the debugger needs of a machine. */
export interface DebuggedMachine {
  readonly cpu: Cpu;
  readonly memory: PhysicalMemory;
  /** Lets the guest run. */
  start(): void;
  /** Stops it after the current slice; returns whether it ran. */
  pause(): void;
  kill(): void;
}

/** The debugger's side of one machine. */
export class MachineDebugger {
  readonly #machine: DebuggedMachine;
  #stub: GdbStub | undefined;

  constructor(machine: DebuggedMachine) {
    this.#machine = machine;
  }

  /** Connects a debugger, and stops the guest; undefined while there is another. */
  connect(send: (bytes: Uint8Array) => void): DebugConnection | undefined {
    if (this.#stub !== undefined) return undefined;
    this.#machine.pause();
    const stub = new GdbStub(this.#target(), send);
    this.#stub = stub;
    return {
      receive: (bytes) => {
        stub.receive(bytes);
      },
      close: () => {
        if (this.#stub !== stub) return;
        stub.close();
        this.#stub = undefined;
        this.#machine.start();
      },
    };
  }

  /** The CPU stopped for the debugger; called between two slices. */
  stopped(): void {
    const { debug } = this.#machine.cpu;
    const { stop } = debug;
    debug.stop = undefined;
    debug.stepping = false;
    this.#machine.pause();
    this.#stub?.stopped(stop);
  }

  /** The machine's run is over. */
  ended(status: number): void {
    this.#stub?.ended(status);
  }

  #target(): DebugTarget {
    const { cpu, memory } = this.#machine;
    const { i32: state, u8: bytes } = memory.machine;
    return {
      registers: { state, bytes, eflags: () => cpu.eflags() },
      readByte: (linear) => {
        const physical = cpu.shadow.inspect(linear);
        return physical < 0 ? undefined : memory.read8(physical);
      },
      writeByte: (linear, value) => {
        const physical = cpu.shadow.inspect(linear);
        if (physical < 0) return false;
        memory.write8(physical, value);
        return true;
      },
      setBreakpoints: (breakpoints) => {
        cpu.debug.setHost(breakpoints);
      },
      resume: (step) => {
        // The breakpoint at which the guest stands is passed over.
        cpu.debug.passOver(((state[Word.rip] ?? 0) + cpu.access.codeBase) | 0);
        cpu.debug.stepping = step;
        this.#machine.start();
      },
      interrupt: () => {
        this.#machine.pause();
        this.#stub?.stopped(undefined);
      },
      kill: () => {
        this.#machine.kill();
      },
    };
  }
}
