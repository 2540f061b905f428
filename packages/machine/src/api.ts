import type { CallCount, CallRecord } from '@ringfence/hypercall';

import type { TranslationEvent } from '@ringfence/cpu';

import type { DriveStorage } from './board-storage.ts';
import type { DebugConnection } from './debug/debugger.ts';
import type { Inspector } from './inspector/inspector.ts';
import type { MachineOptions } from './options/machine-options.ts';

/** Why a machine's run is over. */
export type MachineEnd =
  /** The guest switched the power off (ACPI S5). */
  | { readonly reason: 'poweroff' }
  /** The guest reset the machine and `noReboot` was asked for. */
  | { readonly reason: 'reset' }
  /**
   * A triple fault (SDM 3A 6.15, interrupt 8) with `noReboot`; `where` says at which instruction.
   */
  | { readonly reason: 'triple-fault'; readonly where: string }
  /** A guest of Xen says that it crashed, or did not set its watchdog again in time. */
  | { readonly reason: 'crash'; readonly cause: 'guest' | 'watchdog' }
  /** The guest wrote `value` to the debug-exit port; `status` is `(value << 1) | 1`, 8 bits. */
  | { readonly reason: 'debug-exit'; readonly value: number; readonly status: number }
  /** `dispose` was called. */
  | { readonly reason: 'disposed' };

/**
 * What a machine is doing.
 *
 * `halted` is a processor that waits with interrupts off: nothing but a reset or an NMI ends it.
 */
export type MachineState = 'paused' | 'running' | 'halted' | 'ended' | 'disposed';

/**
 * What the speaker does from the machine's time `atMs` on: a square wave of `hertz`, 0 for silence,
 * or without one its cone, moved out and back by the guest itself.
 */
export type SoundEvent =
  | { readonly kind: 'tone'; readonly hertz: number; readonly atMs: number }
  | { readonly kind: 'level'; readonly high: boolean; readonly atMs: number };

/** What a machine tells those who listen, by event name. */
export interface MachineEvents {
  /** The run is over; nothing follows. */
  readonly end: MachineEnd;
  /** The guest reset the machine and it boots again; `cause` is `guest` or `triple-fault`. */
  readonly reset: { readonly cause: 'guest' | 'triple-fault' | 'host' };
  /** The machine became paused, running, halted or ended. */
  readonly state: MachineState;
  /** A byte went to the debug console at port 0xe9. */
  readonly debugByte: number;
  /** A byte went to the printer at port 0x378. */
  readonly parallelByte: number;
  /** A checkpoint code went to port 0x80 or 0x190. */
  readonly postCode: number;
  /** The speaker sounds otherwise from now on. */
  readonly sound: SoundEvent;
  /** A translated region was made or dropped, or hot code was refused one. */
  readonly translation: TranslationEvent;
  /** The guest made a hypercall, and it was served. */
  readonly hypercall: CallRecord;
}

/** How long `SerialPort.expect` waits; a bare number is `timeoutMs`. */
export type ExpectOptions = number | { readonly timeoutMs?: number };

/** One of the four serial ports, seen from outside the machine. */
export interface SerialPort {
  /**
   * Sends bytes to the guest and returns how many were taken.
   *
   * They wait in a queue until the guest's receiver takes them; when that is full (256 KiB), the
   * rest is not taken, and `drained` says when to go on.
   */
  write(bytes: Uint8Array | string): number;
  /** Resolves once no input waits, or the machine has ended. */
  drained(): Promise<void>;
  /** Calls `listener` with bytes that the guest sends; returns a function that ends this. */
  onData(listener: (bytes: Uint8Array) => void): () => void;
  /**
   * Waits until output since the last `expect` matches, and returns the match; output is read as
   * Latin-1.
   *
   * @throws MachineError with code `not-seen` when the machine ends or `timeoutMs` pass before.
   */
  expect(pattern: RegExp, options?: ExpectOptions): Promise<RegExpExecArray>;
}

/** The screen, seen from outside the machine. */
export interface Screen {
  /** Returns the text of the screen, one line per row, without trailing blanks. */
  text(): string;
  /** Returns the text with attributes, cursor and colours; nothing in a graphics mode. */
  cells(): ScreenCells | undefined;
  /** Returns the picture on the screen, in the size that a monitor would be sent. */
  image(): ScreenImage;
  /** Returns the picture on the screen as a PNG file. */
  png(): Uint8Array;
  /** A number that is another one when the picture may have changed since it was read last. */
  readonly revision: number;
}

/** The text on the screen, cell by cell. */
export interface ScreenCells {
  readonly columns: number;
  readonly rows: number;
  /** Row by row, a character of code page 437 in the lower byte, its attribute in the upper. */
  readonly cells: Uint16Array;
  readonly cursor: { readonly column: number; readonly row: number; readonly visible: boolean };
  /** The sixteen colours of attributes, each as 0xRRGGBB. */
  readonly colours: readonly number[];
  /** Whether bit 7 of an attribute makes a character blink, not its background bright. */
  readonly blinks: boolean;
}

/** A picture: rows from the top, pixels from the left. */
export interface ScreenImage {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and 255 for each pixel. */
  readonly rgba: Uint8Array;
}

/** The keyboard, seen from outside the machine. */
export interface Keyboard {
  /** Types text on a keyboard of US layout; characters that it lacks are left out. */
  type(text: string): void;
  /** Presses a key by its code of the W3C's UI Events, such as `KeyA` or `ArrowUp`. */
  press(code: string): void;
  /** Releases a key. */
  release(code: string): void;
}

/** A button of the mouse. */
export type MouseButton = 'left' | 'right' | 'middle';

/** The mouse, seen from outside the machine. */
export interface Mouse {
  /** Moves by counts to the right and down, and turns the wheel by notches towards the user. */
  move(dx: number, dy: number, wheel?: number): void;
  /** Presses a button. */
  press(button: MouseButton): void;
  /** Releases a button. */
  release(button: MouseButton): void;
}

/** Counters of a machine since its creation; rates are left to the reader. */
export interface MachineStats {
  readonly seconds: {
    /** Since the machine started first, by the host's clock, pauses included. */
    readonly total: number;
    /** Spent running guest code and what serves it. */
    readonly guest: number;
    readonly translate: number;
    readonly compile: number;
  };
  readonly instructions: {
    readonly interpreted: number;
    readonly translated: number;
    readonly total: number;
  };
  readonly translations: {
    readonly regions: number;
    /** Those of them that the host remembered from an earlier run (`HostServices.compiler`). */
    readonly recalled: number;
    /** Modules that they came in, which the engine compiled or had. */
    readonly modules: number;
    /** Regions whose module the engine did not compile: their code stays with the interpreter. */
    readonly failed: number;
    readonly wasmBytes: number;
    readonly invalidations: Readonly<Record<string, number>>;
  };
  readonly exits: Readonly<Record<string, number>>;
  readonly shadow: {
    readonly fills: number;
    readonly switches: number;
    readonly kept: number;
    readonly traces: number;
    /** Shadow tables taken from their address space because the pool was full. */
    readonly evictions: number;
  };
  /** Hypercalls by interface and name, as `xen.sched_op`. */
  readonly hypercalls?: Readonly<Record<string, Readonly<CallCount>>>;
  readonly memory: { readonly residentBytes: number };
}

/** A PC: its processor, chips and memory, and the handles by which a program runs it. */
export interface Machine {
  /** The options that it was made from. */
  readonly options: MachineOptions;
  /** What it is doing. */
  readonly state: MachineState;
  /** Serial ports 0 to 3, and as number 4 the virtio console if there is one. */
  readonly serial: readonly SerialPort[];
  readonly screen: Screen;
  readonly keyboard: Keyboard;
  readonly mouse: Mouse;
  /** What the hypervisor does, for those who want to see it; nothing once it is disposed. */
  readonly inspector: Inspector | undefined;
  /**
   * Runs until the end, in slices between which the host's own events are served.
   *
   * Called again it returns the same promise, and goes on after `pause`.
   */
  start(): Promise<MachineEnd>;
  /** Stops after the current slice; guest time stands still until `start` or `runSlice`. */
  pause(): void;
  /**
   * Runs for about `sliceMs` of host time without giving control away, for hosts with their own
   * loop.
   *
   * Returns early when the processor waits; guest time goes on between slices until `pause`.
   */
  runSlice(sliceMs: number): MachineState;
  /**
   * Connects a debugger that speaks GDB's remote serial protocol, and stops the guest for it;
   * undefined while another is connected. `send` gets what is for the debugger.
   */
  debug(send: (bytes: Uint8Array) => void): DebugConnection | undefined;
  /**
   * Puts a disk into floppy drive 0 or 1, or takes it out; false for a drive that is not there, or
   * an image of no size that disks have.
   */
  insertFloppy(drive: number, storage: DriveStorage | undefined): boolean;
  /** Gives the processor a non-maskable interrupt, as a server's NMI button does. */
  nmi(): void;
  /** Presses the reset button: the machine boots again. */
  reset(): void;
  /** Ends the machine and lets go of its memory; a second call does nothing. */
  dispose(): void;
  /**
   * Returns the machine's state as one file, taken now or at the end of the current slice.
   *
   * `createMachine` with it as option `snapshot` makes a machine that goes on from there, also in
   * another process or in a browser. Disks are not in it unless they are byte arrays among the
   * options.
   *
   * @throws MachineError with code `bad-state` when the machine has ended.
   */
  snapshot(): Promise<Uint8Array>;
  /**
   * What was translated, in this run and in those before it, for the option `translationProfile` of
   * later ones; undefined for a machine without that option. At most a few MiB.
   */
  translationProfile(): Uint8Array | undefined;
  /** Returns the counters as they are now. */
  stats(): MachineStats;
  /** Listens to an event; returns a function that ends this. */
  on<Name extends keyof MachineEvents>(
    name: Name,
    listener: (event: MachineEvents[Name]) => void,
  ): () => void;
}
