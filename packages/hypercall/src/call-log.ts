/** What a hypercall came to, for those who watch. */
export interface CallRecord {
  /** Name of the interface, such as `xen`. */
  readonly abi: string;
  /** Name of the call, such as `grant_table_op`. */
  readonly name: string;
  /** Arguments, decoded. */
  readonly detail: string;
  /** What it returned; negative for errors. */
  readonly result: number;
}

/** Count and time of one kind of call. */
export interface CallCount {
  count: number;
  /** Calls that returned an error. */
  errors: number;
  seconds: number;
}

/** Watches hypercalls: counts and times each kind, and tells each call to whoever asked. */
export class CallLog {
  readonly #nowMs: () => number;
  readonly #counts = new Map<string, CallCount>();
  #listener: ((record: CallRecord) => void) | undefined;

  /** Takes time from `nowMs`, milliseconds of any clock. */
  constructor(nowMs: () => number = () => 0) {
    this.#nowMs = nowMs;
  }

  /** Counts by interface and name, as `xen.sched_op`. */
  get counts(): Readonly<Record<string, Readonly<CallCount>>> {
    return Object.fromEntries(this.#counts);
  }

  /** Says who is told of each call, instead of who was told before. */
  listen(listener: ((record: CallRecord) => void) | undefined): void {
    this.#listener = listener;
  }

  /** Makes a call, and takes note of it; `detail` is asked for only if somebody listens. */
  run(abi: string, name: string, detail: () => string, call: () => number): number {
    const since = this.#nowMs();
    const text = this.#listener === undefined ? '' : detail();
    const result = call();
    const key = `${abi}.${name}`;
    let entry = this.#counts.get(key);
    if (entry === undefined) {
      entry = { count: 0, errors: 0, seconds: 0 };
      this.#counts.set(key, entry);
    }
    entry.count += 1;
    entry.errors += result < 0 && result > -1024 ? 1 : 0;
    entry.seconds += (this.#nowMs() - since) / 1000;
    this.#listener?.({ abi, name, detail: text, result });
    return result;
  }
}

/** Writes a call as a line, such as `xen.sched_op(cmd=0x2 arg=0xc000) = 0`. */
export function callLine({ abi, name, detail, result }: CallRecord): string {
  return `${abi}.${name}(${detail}) = ${String(result)}`;
}
