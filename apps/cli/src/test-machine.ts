import type {
  Machine,
  MachineEnd,
  MachineEvents,
  MachineOptions,
  MachineStats,
  Screen,
  ScreenCells,
  SerialPort,
} from '@ringfence/machine';

/** A machine that does what a test says, to test the program around it. */
export class TestMachine implements Machine {
  readonly options: MachineOptions;
  readonly state = 'running';
  readonly written: string[] = [];
  readonly typed: string[] = [];
  screenText = '';
  screenCells: ScreenCells | undefined = undefined;
  disposals = 0;
  resets = 0;
  readonly serial: readonly SerialPort[] = [0, 1, 2, 3].map((port) => this.#port(port));
  readonly screen: Screen = {
    revision: 0,
    text: (): string => this.screenText,
    cells: () => this.screenCells,
    image: () => ({ width: 1, height: 1, rgba: Uint8Array.of(1, 2, 3, 255) }),
    png: () => Uint8Array.of(0x89, 0x50, 0x4e, 0x47),
  };
  readonly keyboard = {
    type: (text: string): void => void this.typed.push(text),
    press: (): void => {},
    release: (): void => {},
  };
  readonly inspector = undefined;
  readonly mouse = { move: (): void => {}, press: (): void => {}, release: (): void => {} };
  #listeners: ((bytes: Uint8Array) => void)[][] = [[], [], [], []];
  #stateListeners: ((state: MachineEvents['state']) => void)[] = [];
  readonly #soundListeners: ((event: MachineEvents['sound']) => void)[] = [];
  #end: (end: MachineEnd) => void = () => {};
  readonly #ended = new Promise<MachineEnd>((resolve) => (this.#end = resolve));
  readonly #script: (machine: TestMachine) => void;

  constructor(options: MachineOptions, script: (machine: TestMachine) => void) {
    this.options = options;
    this.#script = script;
  }

  /** Sends bytes from the guest. */
  send(port: number, text: string): void {
    for (const listener of this.#listeners[port] ?? []) listener(Buffer.from(text, 'latin1'));
  }

  /** Sounds a tone; 0 ends it. */
  sound(hertz: number): void {
    for (const listener of this.#soundListeners) listener({ kind: 'tone', hertz, atMs: 0 });
  }

  /** Ends the machine. */
  end(end: MachineEnd): void {
    this.#end(end);
  }

  /** Tells that the state is now another. */
  tell(state: MachineEvents['state']): void {
    for (const listener of this.#stateListeners) listener(state);
  }

  start(): Promise<MachineEnd> {
    setImmediate(() => this.#script(this));
    return this.#ended;
  }

  pause(): void {}
  reset(): void {
    this.resets += 1;
  }
  insertFloppy(): boolean {
    return false;
  }
  nmi(): void {}
  debug(): undefined {
    return undefined;
  }

  snapshot(): Promise<Uint8Array> {
    return Promise.resolve(Uint8Array.of(1, 2, 3));
  }
  runSlice(): 'running' {
    return 'running';
  }

  dispose(): void {
    this.disposals += 1;
  }

  stats(): MachineStats {
    return {
      seconds: { total: 1, guest: 1, translate: 0, compile: 0 },
      instructions: { interpreted: 42, translated: 0, total: 42 },
      translations: {
        regions: 0,
        recalled: 0,
        modules: 0,
        failed: 0,
        wasmBytes: 0,
        invalidations: {},
      },
      exits: {},
      shadow: { fills: 0, switches: 0, kept: 0, traces: 0, evictions: 0 },
      memory: { residentBytes: 0 },
    };
  }

  translationProfile(): Uint8Array | undefined {
    const before = this.options.translationProfile;
    return before === undefined ? undefined : Uint8Array.of(...before, 1);
  }

  on<Name extends keyof MachineEvents>(
    name: Name,
    listener: (event: MachineEvents[Name]) => void,
  ): () => void {
    // The cast holds as the name says which event the listener takes.
    if (name === 'state') this.#stateListeners.push(listener as never);
    if (name === 'sound') this.#soundListeners.push(listener as never);
    return () => {};
  }

  #port(port: number): SerialPort {
    return {
      write: (bytes) => {
        this.written.push(Buffer.from(bytes).toString());
        return bytes.length;
      },
      drained: () => Promise.resolve(),
      onData: (listener) => {
        this.#listeners[port]?.push(listener);
        return () => {
          this.#listeners[port] = (this.#listeners[port] ?? []).filter((each) => each !== listener);
        };
      },
      expect: () => Promise.reject(new Error('not in the test machine')),
    };
  }
}
