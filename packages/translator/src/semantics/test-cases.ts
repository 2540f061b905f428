import type { RegisterName, TestMachine } from './test-machine.ts';
import { flagLetters, flagsOf, unmappedPage } from './test-machine.ts';

/** Registers, flags by letter and memory words of a state; what is not named is not looked at. */
export type State = Partial<Record<RegisterName, number>> & {
  /** Flags that are set among those of `among` (all six by default). */
  readonly flags?: string;
  readonly among?: string;
  /** 32-bit words of memory by address. */
  readonly memory?: Readonly<Record<number, number>>;
  readonly fault?: number;
  readonly eip?: number;
};

/** An instruction, the state before it, and what it makes of it. */
export type Case = readonly [text: string, before: State, after: State, steps?: number];

/** A page whose accesses fault, for cases. */
export const faultingPage: number = unmappedPage;

/** Runs a case and returns the part of the state after it that the case looks at. */
export function outcome(machine: TestMachine, [text, before, after, steps]: Case): State {
  for (const name of names) machine.set(name, before[name] ?? (name === 'esp' ? 0x8000 : 0));
  machine.flags = flagsOf(before.flags ?? '');
  for (const [address, value] of Object.entries(before.memory ?? {})) {
    machine.ram.setInt32(Number(address), value, true);
  }
  machine.execute(text, steps);
  const seen: Record<string, unknown> = {};
  for (const name of names) if (after[name] !== undefined) seen[name] = machine.get(name);
  if (after.flags !== undefined) seen['flags'] = flagLetters(machine.flags, after.among);
  if (after.among !== undefined) seen['among'] = after.among;
  if (after.eip !== undefined) seen['eip'] = machine.eip;
  if (after.memory !== undefined) {
    const words = Object.keys(after.memory).map((address) => [
      address,
      machine.ram.getUint32(Number(address), true),
    ]);
    seen['memory'] = Object.fromEntries(words);
  }
  if (after.fault !== undefined || machine.fault >= 0) seen['fault'] = machine.fault;
  return seen as State;
}

const names: readonly RegisterName[] = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
