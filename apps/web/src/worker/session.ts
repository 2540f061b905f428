import { createMachine, machineOptions } from '@ringfence/machine';
import type { BootFiles, Machine } from '@ringfence/machine';

import { browserHost } from './browser-host.ts';
import { loadFile } from './load-file.ts';
import type { LoadProgress } from './load-file.ts';
import type { CallMessage, FromWorker, MachineRequest, ToWorker } from './messages.ts';

/** Sends a message to the page; what is in `transfer` is handed over. */
export type Post = (message: FromWorker, transfer?: Transferable[]) => void;

/** The worker's side of one machine: serves messages and passes on what the machine says. */
export class Session {
  readonly #post: Post;
  readonly #host = browserHost();
  #machine: Machine | undefined;
  /** Input per port that the machine has no room for, and that follows when it has. */
  readonly #input = new Map<number, Uint8Array[]>();

  constructor(post: Post) {
    this.#post = post;
  }

  /** Serves a message of the page. */
  receive(message: ToWorker | CallMessage): void {
    switch (message.kind) {
      case 'call':
        void this.#answer(message);
        break;
      case 'start':
        void this.#machine?.start();
        break;
      case 'pause':
        this.#machine?.pause();
        break;
      case 'reset':
        this.#machine?.reset();
        break;
      case 'serial':
        this.#write(message.port, message.bytes);
        break;
      case 'type':
        this.#machine?.keyboard.type(message.text);
        break;
      default:
        break;
    }
  }

  async #answer(message: CallMessage): Promise<void> {
    const { id } = message;
    try {
      const answer = await this.#call(message);
      const transfer = answer instanceof Uint8Array ? [answer.buffer as ArrayBuffer] : [];
      this.#post({ kind: 'answer', id, answer }, transfer);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#post({ kind: 'refusal', id, message: words });
    }
  }

  async #call(message: CallMessage): Promise<unknown> {
    if (message.name === 'create') {
      return this.#create(message.ask);
    }
    const machine = this.#machine;
    if (machine === undefined) {
      throw new Error('there is no machine yet');
    }
    switch (message.name) {
      case 'snapshot':
        return machine.snapshot();
      case 'stats':
        return machine.stats();
      case 'screenText':
        return machine.screen.text();
    }
  }

  async #create({ settings, files, snapshot }: MachineRequest): Promise<null> {
    const progress: LoadProgress = (what, done, of) => {
      this.#post({ kind: 'progress', what, done, of });
    };
    const loaded: Record<string, Uint8Array> = {};
    for (const [name, source] of Object.entries(files)) {
      loaded[name] = await loadFile(name, source, progress);
    }
    const options = machineOptions(settings, loaded as BootFiles, this.#host);
    const file =
      snapshot === undefined ? undefined : await loadFile('snapshot', snapshot, progress);
    this.#machine?.dispose();
    this.#input.clear();
    const machine = await createMachine(
      file === undefined ? options : { ...options, snapshot: file },
    );
    this.#machine = machine;
    this.#connect(machine);
    return null;
  }

  #connect(machine: Machine): void {
    for (const [port, serial] of machine.serial.entries()) {
      serial.onData((bytes) => {
        const copy = bytes.slice();
        this.#post({ kind: 'serial', port, bytes: copy }, [copy.buffer]);
      });
    }
    machine.on('state', (state) => {
      this.#post({ kind: 'state', state });
    });
    machine.on('end', (end) => {
      if (end.reason !== 'disposed') this.#post({ kind: 'end', end });
    });
  }

  /** Gives input to a port; what it has no room for waits here, and the page may send more. */
  #write(port: number, bytes: Uint8Array): void {
    const serial = this.#machine?.serial[port];
    if (serial === undefined) return;
    const waiting = this.#input.get(port);
    if (waiting !== undefined) {
      waiting.push(bytes);
      return;
    }
    const taken = serial.write(bytes);
    if (taken === bytes.length) return;
    this.#input.set(port, [bytes.subarray(taken)]);
    void serial.drained().then(() => {
      const rest = this.#input.get(port) ?? [];
      this.#input.delete(port);
      if (this.#machine?.serial[port] !== serial) return;
      for (const block of rest) this.#write(port, block);
    });
  }
}
