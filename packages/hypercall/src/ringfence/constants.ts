/**
 * Numbers of Ringfence's own interface, version 1.
 *
 *     EAX             0x5246_0000 | number of the call; the result comes back here, negative errors
 *     EBX ECX EDX ESI EDI EBP    arguments
 *
 * VMCALL or VMMCALL at privilege level 0. Every pointer is a guest-physical address.
 */

/** The upper half of EAX in each call: "RF". */
export const ringfenceMagic = 0x5246_0000;

/** Version of the interface: it grows with each call, and numbers keep their meaning. */
export const ringfenceVersion = 1;

/** Numbers of the calls. */
export const RingfenceCall = {
  version: 0,
  batch: 1,
  idle: 2,
  setInfo: 3,
  donate: 4,
  createSpace: 5,
  destroySpace: 6,
  switchSpace: 7,
  map: 8,
  unmap: 9,
  protect: 10,
  consoleWrite: 11,
  consoleRead: 12,
  diskInfo: 13,
  block: 14,
  setTimer: 15,
  shutdown: 16,
} as const;

/** Error numbers, returned negative. */
export const RingfenceError = {
  /** The caller is not at privilege level 0. */
  notPermitted: 1,
  /** There is no such call, or not within a batch. */
  noSuchCall: 2,
  /** A number is out of its range, or not aligned. */
  badArgument: 3,
  /** An address is no memory of the guest's, or one that it donated. */
  badAddress: 4,
  /** The donated pages are used up. */
  noMemory: 5,
  /** Something is in use. */
  busy: 6,
  /** There is no such address space. */
  noSpace: 7,
  /** There is no such disk. */
  noDisk: 8,
  /** A list is too long, or too much waits already. */
  tooMany: 9,
  /** The disk failed, or cannot be written. */
  inputOutput: 10,
} as const;

/** What a mapping allows beside reading; a bit each. */
export const RingfenceRight = { write: 1, user: 2 } as const;

/** Kinds of events; a bit each in the info page. */
export const RingfenceEvent = {
  /** The timer came due. */
  timer: 1,
  /** A request was done after the call that made it had returned. */
  block: 2,
  /** There is console input. */
  console: 4,
  /** `idle` waited as long as it was asked to. */
  wake: 8,
} as const;

/**
 * The page that the guest and the hypervisor share, at the address that `setInfo` names.
 *
 *     0   version of the interface
 *     4   upcall pending (8 bits)   5   upcalls masked (8 bits)
 *     8   events, a bit each: the guest takes them with XCHG
 *     32  time: version, 0, counter (64), nanoseconds (64), multiplier, shift (8), flags (8)
 *     64  time of day at the machine's start: version, seconds, nanoseconds
 */
export const InfoOffset = {
  version: 0,
  pending: 4,
  masked: 5,
  events: 8,
  time: 32,
  wallClock: 64,
} as const;

/** Bytes of an element of a batch: call, result, six arguments. */
export const batchElementBytes = 32;

/**
 * A request of a disk.
 *
 *     0   0 read, 1 write, 2 flush     16  address of the data
 *     4   disk                         20  bytes, a multiple of 512
 *     8   sector (64)                  24  status: 0 done, 1 under way, negative errors
 *     28  of the guest's own
 */
export const BlockOffset = {
  operation: 0,
  disk: 4,
  sector: 8,
  address: 16,
  bytes: 20,
  status: 24,
} as const;

/** Bytes of a request. */
export const blockRequestBytes = 32;

/** What is bounded, and how far. */
export const RingfenceLimit = {
  batch: 1024,
  spaces: 64,
  /** Pages that a guest may donate. */
  donated: 4096,
  /** Pages of one call to map, unmap or protect. */
  pages: 1024,
  consoleBytes: 4096,
  requests: 32,
  requestBytes: 0x4_0000,
  /** Requests under way. */
  waiting: 64,
  /** The shortest period of the timer, in nanoseconds. */
  periodNs: 10_000,
} as const;
