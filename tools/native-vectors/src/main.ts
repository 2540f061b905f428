import { readFileSync, writeFileSync } from 'node:fs';
import { FORMS } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { exclusionReason } from './exclusions.ts';
import { definedFlags, definedStatus } from './flags-mask.ts';
import { formKey } from './form-key.ts';
import { caseCount, generateCase, testedSizes } from './generate.ts';
import type { GeneratedCase } from './generate.ts';
import { StateOffset } from './layout.ts';
import { MachineState } from './machine-state.ts';
import { NativeProcessor } from './native.ts';
import type { Outcome } from './native.ts';
import { packVectors } from './vector-file.ts';
import type { StoredCase } from './vector-file.ts';
import { familyOf, vectorFile } from './families.ts';

/*
 * `npx tsx --conditions=@ringfence/source tools/native-vectors/src/main.ts` makes all vector files
 * anew on the processor of this machine, or those of the families that are named. It needs gcc with
 * 32-bit libraries.
 */

/** Makes the seeds of all cases; another number makes other cases. */
const SEED = 20_260_701;

function main(): void {
  const processor = new NativeProcessor(32);
  const families = new Map<string, StoredCase[]>();
  const wanted = process.argv.slice(2);
  try {
    for (const form of FORMS) {
      if (exclusionReason(form) !== undefined) continue;
      const family = familyOf(form);
      if (wanted.length > 0 && !wanted.includes(family)) continue;
      const list = families.get(family) ?? [];
      families.set(family, list);
      list.push(...runForm(processor, form));
    }
  } finally {
    processor.dispose();
  }
  const name = processorName();
  for (const [family, cases] of families) {
    const forms = [...new Set(cases.map(({ form }) => form))];
    const data = packVectors({ format: 1, bits: 32, processor: name, forms }, cases);
    writeFileSync(vectorFile(family), data);
    console.log(`${family}: ${forms.length} forms, ${cases.length} cases, ${data.length} bytes`);
  }
}

/** Seeds tried for a case before its form is given up. */
const ATTEMPTS = 32;

function runForm(processor: NativeProcessor, form: Form): StoredCase[] {
  const cases = testedSizes(form).flatMap((size) =>
    Array.from({ length: caseCount(form, size) }, (_, number) => makeCase(form, size, number)),
  );
  const jobs = cases.map(({ code, plan }) => ({ code, before: plan.state }));
  const outcomes = processor.run(jobs);
  const again = processor.run(jobs);
  return cases.flatMap((generated, index) => {
    const outcome = outcomes[index];
    const second = again[index];
    if (outcome === undefined || second === undefined) throw new Error('harness: lost an outcome');
    const stored = store(generated, outcome);
    const repeated = store(generated, second);
    if (Buffer.compare(stored.after.bytes, repeated.after.bytes) !== 0) {
      const code = Buffer.from(generated.code).toString('hex');
      throw new Error(`vectors: ${stored.form} is not repeatable: ${code}`);
    }
    return fetchFaulted(stored) ? [] : [stored];
  });
}

function makeCase(form: Form, size: 16 | 32, number: number): GeneratedCase {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = generateCase(form, size, seedOf(form, size, number * ATTEMPTS + attempt));
    if (found !== undefined) return found;
  }
  throw new Error(`vectors: no bytes decode as ${formKey(form)}`);
}

/** The instruction went to an address that is not mapped: the fault is not its own. */
function fetchFaulted({ fault, after }: StoredCase): boolean {
  return fault?.vector === 14 && fault.address === after.eip;
}

/** FNV-1a over the key of the form, so that seeds do not move when rows are added. */
function seedOf(form: Form, size: number, number: number): number {
  let hash = 0x811c9dc5 ^ SEED;
  for (const character of `${formKey(form)} ${size} ${number}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  }
  return hash >>> 0;
}

function store({ plan, seed, code }: GeneratedCase, { after, fault }: Outcome): StoredCase {
  const before = plan.state;
  const settled = settle(before, after);
  return {
    form: formKey(plan.form),
    seed,
    code,
    before,
    after: settled,
    fault,
    flagsMask: definedFlags(plan, fault),
    statusMask: definedStatus(plan, fault),
    ignored: fault === undefined ? plan.ignored : [],
  };
}

/** Takes out of the state what the instruction has no part in: RF, x87 pointers, unused fields. */
function settle(before: MachineState, after: MachineState): MachineState {
  const state = new MachineState(after.bytes.slice());
  const keep = (start: number, end: number): void =>
    state.bytes.set(before.bytes.subarray(start, end), start);
  state.eflags &= ~0x10000;
  const { fx, segment } = StateOffset;
  keep(64, StateOffset.ip);
  keep(segment + 12, fx);
  keep(fx + 5, fx + 24);
  keep(fx + 28, fx + 32);
  for (let index = 0; index < 8; index++) keep(fx + 42 + index * 16, fx + 48 + index * 16);
  keep(fx + 288, fx + 512);
  return state;
}

function processorName(): string {
  const info = readFileSync('/proc/cpuinfo', 'utf8');
  const field = (name: string): string =>
    new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(info)?.[1] ?? '?';
  return `${field('model name')}, family ${field('cpu family')} model ${field('model')}`;
}

main();
