/** What a page and the worker of its machine say to each other. */
import type {
  DescriptorTables,
  MachineEnd,
  MachineState,
  MachineStats,
  PageRow,
  RegionSummary,
  Settings,
  SoundEvent,
} from '@ringfence/machine';

/** A file of a machine: where to fetch it from, or the file that somebody chose. */
export type FileSource = string | Blob;

/** Files by the name of the option that they belong to, such as `kernel`. */
export type MachineFiles = Readonly<Record<string, FileSource>>;

/** What a machine is made from. */
export interface MachineRequest {
  readonly settings: Settings;
  readonly files: MachineFiles;
  /** A snapshot to go on from. */
  readonly snapshot?: FileSource;
  /** What the browser kept of its disks goes away. */
  readonly forgetDisks?: boolean;
}

/** A picture of the screen: RGBA, row by row. */
export interface ScreenFrame {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** What a mouse did since the last message. */
export interface MouseInput {
  readonly dx: number;
  readonly dy: number;
  readonly wheel: number;
  /** Bit 0 left, 1 right, 2 middle. */
  readonly buttons: number;
}

/** Messages without an answer, from the page to the worker. */
export type ToWorker =
  | { readonly kind: 'start' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'reset' }
  /** The page is not seen any more, and may go away. */
  | { readonly kind: 'hidden' }
  | { readonly kind: 'serial'; readonly port: number; readonly bytes: Uint8Array }
  | { readonly kind: 'key'; readonly code: string; readonly pressed: boolean }
  | { readonly kind: 'type'; readonly text: string }
  | { readonly kind: 'mouse'; readonly input: MouseInput }
  /** Whether anybody looks at the screen. */
  | { readonly kind: 'watch'; readonly screen: boolean };

/** A region as the guest wrote it, as the translator understood it, and as it was compiled. */
export interface RegionTexts {
  readonly guest: string;
  readonly ir: string;
  readonly wasm: string;
}

/** Requests with an answer, by name: what is asked and what is answered. */
export interface Calls {
  create: { readonly ask: MachineRequest; readonly answer: null };
  snapshot: { readonly ask: null; readonly answer: Uint8Array<ArrayBuffer> };
  stats: { readonly ask: null; readonly answer: MachineStats };
  screenText: { readonly ask: null; readonly answer: string };
  /** The translated regions that the CPU is met in most. */
  regions: { readonly ask: number; readonly answer: readonly RegionSummary[] };
  /** One of them in three languages; nothing if it was dropped meanwhile. */
  region: { readonly ask: number; readonly answer: RegionTexts | null };
  /** Pages from a linear address on. */
  pages: {
    readonly ask: { readonly linear: number; readonly count: number };
    readonly answer: readonly PageRow[];
  };
  /** Linear address of the next instruction. */
  pointer: { readonly ask: null; readonly answer: number };
  descriptors: { readonly ask: null; readonly answer: DescriptorTables };
}

/** A request with the number that its answer carries. */
export type CallMessage = {
  readonly [Name in keyof Calls]: {
    readonly kind: 'call';
    readonly id: number;
    readonly name: Name;
    readonly ask: Calls[Name]['ask'];
  };
}[keyof Calls];

/** Messages from the worker to the page. */
export type FromWorker =
  | { readonly kind: 'state'; readonly state: MachineState }
  | { readonly kind: 'end'; readonly end: MachineEnd }
  | { readonly kind: 'serial'; readonly port: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'screen'; readonly frame: ScreenFrame }
  /** What the speaker did since the last such message. */
  | { readonly kind: 'sound'; readonly events: readonly SoundEvent[] }
  /** A disk could not be read or written; the guest was told as a drive would. */
  | { readonly kind: 'fault'; readonly message: string }
  | { readonly kind: 'progress'; readonly what: string; readonly done: number; readonly of: number }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly message: string };
