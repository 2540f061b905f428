/**
 * Where the teaching kernel keeps things. It is loaded at 1 MiB and wants 4 MiB of memory.
 *
 *     0x0010_0000  multiboot header, kernel, programs of the tasks (`programBytes` at most)
 *     0x0011_0000  stack of the kernel's own thread
 *     0x0011_2000  page shared with the hypervisor, or the disk's list of memory regions
 *     0x0011_3000  list of calls for the hypervisor
 *     0x0011_4000  what is read from the disk
 *     0x0011_6000  stacks of tasks 1 to 3 in the kernel, one page each
 *     0x0011_a000  their stacks, then their heaps, one page each
 *     0x0012_0000  page directories and page tables
 *     0x0014_0000  pages that the window shows
 *
 * Linear addresses below 4 MiB are physical ones, in all address spaces. Above:
 *
 *     0x0040_0000  the task's stack
 *     0x0040_1000  its heap, which comes at the first touch
 *     0x0080_0000  the window, by which changes of page tables are measured
 */
export const TeachingLayout = {
  load: 0x10_0000,
  stackTop: 0x11_2000,
  shared: 0x11_2000,
  callList: 0x11_3000,
  diskBuffer: 0x11_4000,
  kernelStacks: 0x11_5000,
  userStacks: 0x11_9000,
  heaps: 0x11_c000,
  tables: 0x12_0000,
  tablesEnd: 0x14_0000,
  frames: 0x14_0000,
  end: 0x40_0000,
  stack: 0x40_0000,
  heap: 0x40_1000,
  window: 0x80_0000,
} as const;

/** The least RAM for the teaching kernel, in bytes. */
export const teachingRamBytes = 0x40_0000;

/** Tasks, the kernel's own thread among them, which is number 0. */
export const taskCount = 4;

/** What is different between the two builds: the same labels, other ways to do it. */
export interface MachineLayer {
  /** What the kernel calls itself. */
  readonly name: string;
  /** Holds interrupts off, and lets them come again. */
  readonly interruptsOff: string;
  readonly interruptsOn: string;
  /** Code: `machine_init`, `space_create` and the others that `kernel.ts` lists. */
  readonly text: string;
  readonly data: string;
  /** Vectors beside the processor's own: where they lead, and whether interrupts stay enabled. */
  readonly vectors: readonly {
    readonly vector: number;
    readonly handler: string;
    readonly trap?: true;
  }[];
}

/** Rights of a mapping: a bit each. */
export const Right = { write: 1, user: 2 } as const;

/** Offsets in the frame at EBP: PUSHAD, vector, error, and what the processor pushed. */
export const Frame = { edx: 20, ecx: 24, ebx: 16, eax: 28, vector: 32, error: 36, eip: 40, cs: 44 };

/** A task: where its stack in the kernel is, its space, whether it runs, and the stack's top. */
export const Task = { stack: 0, space: 4, ready: 8, top: 12 } as const;
/** Tasks are numbered by the offsets of their entries, 16 bytes each. */
export const taskShift = 4;
/** Bytes of a task's entry. */
export const taskBytes = 16;
