import type { MachineStats } from '@ringfence/machine';

import type { Calls, FromWorker, MachineRequest, ToWorker } from './worker/messages.ts';

/** What happens in the worker without being asked for. */
export type MachineEvent = Exclude<FromWorker, { kind: 'answer' | 'refusal' }>;

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** The page's side of a machine in a worker. */
export class MachineClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** Starts a worker without a machine; `listener` is told what happens in it. */
  constructor(listener: (event: MachineEvent) => void) {
    this.#worker = new Worker(new URL('./worker/machine-worker.ts', import.meta.url), {
      type: 'module',
      name: 'ringfence-machine',
    });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>): void => {
      if (data.kind === 'answer') {
        // The worker answers a call by its name's type (messages.ts).
        this.#settle(data.id)?.resolve(data.answer as never);
      } else if (data.kind === 'refusal') {
        this.#settle(data.id)?.reject(new Error(data.message));
      } else {
        listener(data);
      }
    };
    this.#worker.onerror = (event): void => {
      const error = new Error(`the machine's worker failed: ${event.message}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
  }

  /** Sends a message that has no answer. */
  send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Asks the worker, and resolves with its answer. */
  call<Name extends keyof Calls>(
    name: Name,
    ask: Calls[Name]['ask'],
  ): Promise<Calls[Name]['answer']> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ kind: 'call', id, name, ask });
    });
  }

  /** Makes a machine in place of the one before; it stands still until it is started. */
  async create(request: MachineRequest): Promise<void> {
    await this.call('create', request);
  }

  /** Returns the machine's counters. */
  stats(): Promise<MachineStats> {
    return this.call('stats', null);
  }

  /** Ends the worker and the machine in it. */
  dispose(): void {
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(new Error('the machine is gone'));
    this.#waiting.clear();
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
