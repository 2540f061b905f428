/**
 * Pieces of small kernels for Xen that check a fact each: `fail` is called where it does not hold;
 * and what runs such kernels.
 */
import { afterEach, describe, expect, it } from 'vitest';

import type { Machine } from './api.ts';
import { createMachine } from './machine.ts';
import type { MachineOptions } from './options/machine-options.ts';
import { TestHost } from './test-host.ts';
import { runUntil } from './test-kernel.ts';

/** Makers of checks. */
export interface XenChecks {
  /** Makes a call and expects what it returns. */
  call(number: number, registers: readonly string[], result: number): string;
  /** Runs code that must fault so; code after it is not reached. */
  faults(code: string, vector: number, error?: number): string;
  /** Runs code that must leave a register so. */
  leaves(code: string, register: string, value: number | string): string;
}

/** Returns the makers for kernels that call their hypervisor by an instruction. */
export function checksBy(hypercall: string): XenChecks {
  let labels = 0;
  return {
    call: (number, registers, result) => {
      const ok = `call_${String(++labels)}`;
      return `${registers.map((load) => `        mov ${load}`).join('\n')}
        mov eax, ${String(number)}
        ${hypercall}
        cmp eax, ${String(result)}
        je ${ok}
        call fail
${ok}:`;
    },
    faults: (code, vector, error = 0) => {
      const number = String(++labels);
      const [bad, good, done] = [`bad_${number}`, `good_${number}`, `done_${number}`];
      return `        mov dword [resume], ${good}
        mov dword [got_vector], 0xff
        mov dword [got_error], 0
${code}
${bad}: call fail
        jmp ${done}
${good}: cmp dword [got_vector], ${String(vector)}
        jne ${bad}
        cmp dword [got_error], ${String(error)}
        jne ${bad}
${done}:`;
    },
    leaves: (code, register, value) => {
      const number = String(++labels);
      const [ok, bad] = [`ok_${number}`, `bad_${number}`];
      return `        mov dword [resume], ${bad}
${code}
        cmp ${register}, ${String(value)}
        je ${ok}
${bad}: call fail
${ok}:`;
    },
  };
}

/** Binds the timer to a port, lets it come half a second after the start, and waits in a call. */
export function waitsForTimer({ call }: Pick<XenChecks, 'call'>): string {
  return `
        mov dword [argument], 0
        mov dword [argument + 4], 0
${call(32, ['ebx, 1', 'ecx, argument'], 0)}
        mov esi, text_before
        call print
${call(15, ['ebx, 500000000', 'ecx, 0'], 0)}
${call(29, ['ebx, 1', 'ecx, 0'], 0)}`;
}

/** Asks in both ways for a page of a node that the machine does not have: any page will do. */
export function memoryOfOtherNodes({ call }: Pick<XenChecks, 'call'>): readonly string[] {
  return [0, 6].map(
    (operation) => `        mov dword [argument], page_free
        mov dword [argument + 4], 1
        mov dword [argument + 8], 0
        mov dword [argument + 12], 0x2ff00
        mov dword [argument + 16], 0x7ff0
${call(12, [`ebx, ${String(operation)}`, 'ecx, argument'], 0)}`,
  );
}

/** Sends an event to a port of its own 20,000 times; 0 is in `seen` behind it. */
export function eventsWithoutEnd({ call }: Pick<XenChecks, 'call'>): string {
  return `        mov dword [argument], 0
${call(32, ['ebx, 7', 'ecx, argument'], 0)}
        mov eax, [argument + 4]
        mov [argument], eax
        mov dword [seen], 20000
send_more:
${call(32, ['ebx, 4', 'ecx, argument'], 0)}
        dec dword [seen]
        jnz send_more`;
}

/** What is checked, by names: each is a kernel with a list of checks. */
export type NamedChecks = Readonly<Record<string, readonly string[]>>;

/** The kind of machine, what makes a kernel of checks, and other options. */
export interface CheckedMachine extends Partial<Pick<MachineOptions, 'cpu' | 'xen'>> {
  readonly machine: 'pc' | 'pvh' | 'xenpv';
  kernel(checks: readonly string[]): Uint8Array;
}

/** Has kernels check facts, each list of them in both tiers, and expects that all hold. */
export function describeChecks(title: string, checked: CheckedMachine, checks: NamedChecks): void {
  let machine: Machine | undefined;
  afterEach(() => {
    machine?.dispose();
    machine = undefined;
  });
  describe.each(['interpreter', 'translator'] as const)(`${title} (%s) finds`, (accel) => {
    it.each(Object.entries(checks))('%s', async (_name, list) => {
      const { kernel, ...kind } = checked;
      const host = new TestHost();
      host.msPerLook = 0.02;
      const made = await createMachine({
        ...kind,
        memoryBytes: 16 << 20,
        boot: { kind: 'kernel', kernel: kernel(list) },
        host,
        accel,
        clock: 'instructions',
        noReboot: true,
      });
      machine = made;
      const said = await runUntil(made, host, /Test result: \w+\r\n|guest crashed[^\n]*\n/, 500);
      expect(said.replaceAll('\r', '')).toBe('Test result: SUCCESS\n');
    });
  });
}

/** Runs a machine until its kernel says `before`, and returns another that goes on from there. */
export async function goesOn(made: Machine, host: TestHost): Promise<Machine> {
  await runUntil(made, host, /before\r\n/, 500);
  made.pause();
  const snapshot = await made.snapshot();
  made.dispose();
  const boot = { kind: 'built-in' } as const;
  return createMachine({ memoryBytes: 16 << 20, boot, host, snapshot });
}
