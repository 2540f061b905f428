/**
 * One engine with one guest in it: a process that is started once, and told over its serial line
 * which workload to run. Seconds are those between the guest's markers as the host sees them.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { LineReader } from '../line-reader.ts';
import { type Marker, readMarker } from '../marker.ts';
import { type Counters, noCounters } from '../counters.ts';
import type { Command } from './engines.ts';
import { processUse, type ProcessUse } from './process-use.ts';

/** What a session is started with. */
export interface SessionOptions {
  readonly command: Command;
  /** The program writes `@stats` lines. */
  readonly counts: boolean;
  readonly limitSeconds: number;
}

/** What one run of a workload took. */
export interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number | undefined;
  /** What the guest printed between the markers. */
  readonly output: string;
  /** Counters before and after, of an engine that has them. */
  readonly counters: { readonly before: Counters; readonly after: Counters } | undefined;
}

interface Seen {
  readonly marker: Marker;
  readonly at: number;
  readonly use: ProcessUse;
}

/** How long an engine may take to leave by itself, in milliseconds. */
const leaveMs = 5000;

/** How often is looked whether an engine rests, and for how long it is waited for. */
const restLookMs = 200;
const longestRestMs = 10_000;

/** The part of a processor that a resting engine may use: timers of its guest. */
const restingShare = 0.1;

/** How much output is kept to tell what went wrong. */
const KEPT_OUTPUT = 4096;

/** What the kernel prints by itself is not a workload's output. */
const KERNEL_MESSAGE = /^\[ *\d+\.\d+\] /;

/** A running guest that waits for the names of workloads. */
export class Session {
  /** What the way from the start of the process to the guest's first marker took. */
  boot: Sample | undefined;
  readonly #options: SessionOptions;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #start: number = performance.now();
  readonly #marks: Seen[] = [];
  readonly #counters: Counters[] = [];
  #output: string[] = [];
  #tail = '';
  #ended: string | undefined;
  #wake: () => void = () => {};

  private constructor(options: SessionOptions) {
    this.#options = options;
    const { program, args } = options.command;
    this.#child = spawn(program, [...args], { stdio: 'pipe' });
    const lines = new LineReader((line) => this.#line(line));
    const stats = new LineReader((line) => this.#stats(line));
    this.#child.stdout.setEncoding('latin1').on('data', (text: string) => {
      this.#keep(text);
      lines.add(text);
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => stats.add(text));
    this.#child.stdin.on('error', (error) => this.#end(error.message));
    this.#child.on('error', (error) => this.#end(error.message));
    this.#child.on('close', (status) => this.#end(`ended with status ${status}`));
  }

  /** Starts an engine and waits until its guest is ready. */
  static async start(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    const booted = await session.#until('boot', '');
    await session.#until('ready', '');
    await session.#settled(() => !options.counts || session.#counters.length > 0);
    const [counters] = session.#counters;
    session.boot = {
      seconds: (booted.at - session.#start) / 1000,
      cpuSeconds: booted.use.cpuSeconds,
      output: '',
      counters: counters === undefined ? undefined : { before: noCounters, after: counters },
    };
    return session;
  }

  /** Has the guest run a workload. */
  async run(name: string): Promise<Sample> {
    const from = this.#marks.length;
    this.#child.stdin.write(`${name}\n`);
    const begin = await this.#until('begin', name, from);
    const end = await this.#until('end', name, from);
    // There is a line of counters for each marker.
    const first = this.#marks.indexOf(begin);
    await this.#settled(() => !this.#options.counts || this.#counters.length > first + 1);
    const [before, after] = this.#counters.slice(first, first + 2);
    const cpu = [begin.use.cpuSeconds, end.use.cpuSeconds];
    return {
      seconds: (end.at - begin.at) / 1000,
      cpuSeconds: cpu[0] === undefined || cpu[1] === undefined ? undefined : cpu[1] - cpu[0],
      output: this.#output.join('\n'),
      counters: before === undefined || after === undefined ? undefined : { before, after },
    };
  }

  /** What the process uses now. */
  use(): ProcessUse {
    return processUse(this.#child.pid ?? 0);
  }

  /**
   * Waits until the engine has nothing to do any more, but for no more than ten seconds: what it
   * still does behind a workload must not take time from the next engine.
   */
  async rest(): Promise<void> {
    const until = performance.now() + longestRestMs;
    let before = this.use().cpuSeconds;
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, restLookMs));
      const now = this.use().cpuSeconds;
      if (now === undefined || before === undefined) return;
      if (now - before <= (restingShare * restLookMs) / 1000) return;
      before = now;
    }
  }

  /** Ends the process, which may write its files before. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return resolve();
      const kill = setTimeout(() => this.#child.kill('SIGKILL'), leaveMs);
      this.#child.on('close', () => {
        clearTimeout(kill);
        resolve();
      });
      this.#child.kill('SIGTERM');
    });
  }

  async #until(kind: Marker['kind'], name: string, from = 0): Promise<Seen> {
    const find = (): Seen | undefined =>
      this.#marks.slice(from).find(({ marker }) => marker.kind === kind && marker.name === name);
    await this.#settled(() => find() !== undefined);
    return find() as Seen;
  }

  /** Waits until a condition holds; rejects at the end of the process or of the limit. */
  #settled(holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const { limitSeconds, command } = this.#options;
      const fail = (why: string): void => {
        clearTimeout(timer);
        this.#wake = () => {};
        this.#child.kill('SIGKILL');
        reject(new Error(`${command.program}: ${why}; its last output:\n${this.#tail}`));
      };
      const timer = setTimeout(
        () => fail(`no marker within ${limitSeconds} s`),
        limitSeconds * 1e3,
      );
      this.#wake = () => {
        if (holds()) {
          clearTimeout(timer);
          this.#wake = () => {};
          resolve();
        } else if (this.#ended !== undefined) fail(this.#ended);
      };
      this.#wake();
    });
  }

  #line(line: string): void {
    const at = performance.now();
    const marker = readMarker(line);
    if (marker === undefined) {
      if (!KERNEL_MESSAGE.test(line)) this.#output.push(line);
      return;
    }
    if (marker.kind === 'begin') this.#output = [];
    this.#marks.push({ marker, at, use: this.use() });
    this.#wake();
  }

  #stats(line: string): void {
    if (line.startsWith('@stats ')) {
      this.#counters.push(JSON.parse(line.slice('@stats '.length)) as Counters);
      this.#wake();
    } else this.#keep(`${line}\n`);
  }

  #keep(text: string): void {
    this.#tail = (this.#tail + text).slice(-KEPT_OUTPUT);
  }

  #end(why: string): void {
    this.#ended ??= why;
    this.#wake();
  }
}
