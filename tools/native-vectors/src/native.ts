import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  JOB_BYTES,
  JOB_STATE,
  OUTCOME_BYTES,
  OUTCOME_STATE,
  STATE_BYTES,
  VECTOR_NONE,
} from './layout.ts';
import { MachineState } from './machine-state.ts';
import type { VectorFault } from './vector-file.ts';

/** An instruction and the state before it. */
export interface Job {
  readonly code: Uint8Array;
  readonly before: MachineState;
}

/** What the processor made of a job. */
export interface Outcome {
  readonly after: MachineState;
  readonly fault: VectorFault | undefined;
}

const SOURCE = fileURLToPath(new URL('../native/harness.c', import.meta.url));
/** Jobs in one run of the harness, so that its output fits the buffer of the child process. */
const BATCH = 4096;

/** The compiled harness: runs instructions on the processor of this machine. */
export class NativeProcessor {
  private readonly folder: string;
  private readonly program: string;

  /** Compiles the harness for code of 32 or 64 bits; throws with the compiler's message. */
  constructor(bits: 32 | 64 = 32) {
    this.folder = mkdtempSync(join(tmpdir(), 'native-vectors-'));
    this.program = join(this.folder, 'harness');
    // Static and without stack protector: the handler must not need the thread's GS.
    const flags = [`-m${bits}`, '-static', '-no-pie', '-fno-pie', '-fno-stack-protector'];
    const options = [...flags, '-mgeneral-regs-only', '-O1', '-Wall', '-Wextra'];
    const done = spawnSync('gcc', [...options, '-o', this.program, SOURCE], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`gcc: ${done.error?.message ?? done.stderr}`);
  }

  /** Runs the jobs one after the other. */
  run(jobs: readonly Job[]): Outcome[] {
    const outcomes: Outcome[] = [];
    for (let start = 0; start < jobs.length; start += BATCH) {
      outcomes.push(...this.runBatch(jobs.slice(start, start + BATCH)));
    }
    return outcomes;
  }

  /** Removes the compiled program. */
  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private runBatch(jobs: readonly Job[]): Outcome[] {
    const input = new Uint8Array(jobs.length * JOB_BYTES);
    const view = new DataView(input.buffer);
    jobs.forEach(({ code, before }, index) => {
      const at = index * JOB_BYTES;
      input.set(code, at);
      view.setUint32(at + 16, code.length, true);
      input.set(before.bytes, at + JOB_STATE);
    });
    const maxBuffer = jobs.length * OUTCOME_BYTES + 65536;
    const { status, signal, stdout, stderr } = spawnSync(this.program, [], { input, maxBuffer });
    if (status !== 0 || stdout.length !== jobs.length * OUTCOME_BYTES) {
      const done = Math.floor(stdout.length / OUTCOME_BYTES);
      const code = Buffer.from(jobs[done]?.code ?? []).toString('hex');
      throw new Error(`harness: ${signal ?? status} after ${done} jobs, at ${code}: ${stderr}`);
    }
    return jobs.map((_, index) => readOutcome(stdout.subarray(index * OUTCOME_BYTES)));
  }
}

function readOutcome(bytes: Uint8Array): Outcome {
  const view = new DataView(bytes.buffer, bytes.byteOffset, OUTCOME_BYTES);
  const vector = view.getUint32(0, true);
  const state = bytes.slice(OUTCOME_STATE, OUTCOME_STATE + STATE_BYTES);
  const address = view.getUint32(8, true);
  const fault =
    vector === VECTOR_NONE ? undefined : { vector, error: view.getUint32(4, true), address };
  return { after: new MachineState(state), fault };
}
