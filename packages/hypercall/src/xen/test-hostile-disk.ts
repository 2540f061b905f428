/**
 * What a hostile guest does with a disk: rings that come and go, indexes and requests at random,
 * grants that are taken back while something is under way. Written for tests.
 */
import { pageBytes } from '@ringfence/memory';
import { DomainId, XenCallNumber } from './constants.ts';
import type { XenBlockStorage, XenDisk } from './interfaces.ts';
import { guestPath } from './io/store/connection.ts';
import { fromText } from './io/store/wire.ts';
import type { Choices, Maker } from './test-choices.ts';
import { xenFrames } from './xen-frames.ts';

const sectors = 64;
const front = `${guestPath}/device/vbd/51712`;
/** References that are the guest's, from the first behind those of the tool stack. */
const firstReference = 8;

/** A disk whose requests end at once or later, as `finish` is called. */
export class HostileDisk implements XenDisk {
  readonly name: string = 'xvda';
  readonly bytes: Uint8Array = new Uint8Array(sectors * 512);
  readonly storage: XenBlockStorage;
  /** What was asked and not answered. */
  readonly waiting: (() => void)[] = [];
  /** Whether what is asked from now on is answered later, and well. */
  isSlow: boolean = false;
  isBad: boolean = false;
  /** Where the guest last said that its ring is, and by which port it tells of requests. */
  ring: { frame: number; port: number } = { frame: 0, port: 0 };

  constructor() {
    const { bytes } = this;
    const answer = (done: (ok: boolean) => void): void => {
      const ok = !this.isBad;
      if (this.isSlow) {
        this.waiting.push(() => {
          done(ok);
        });
      } else {
        done(ok);
      }
    };
    this.storage = {
      bytes: bytes.length,
      readOnly: false,
      read: (offset, target, done) => {
        target.set(bytes.subarray(offset, offset + target.length));
        answer(done);
      },
      write: (offset, source, done) => {
        bytes.set(source, offset);
        answer(done);
      },
      flush: answer,
    };
  }

  /** Ends what waits. */
  finish(): void {
    this.waiting.splice(0).forEach((end) => {
      end();
    });
  }
}

const say = (one: Choices, name: string, value: number | string): void => {
  one.guest.tools.store.write(`${front}/${name}`, fromText(String(value)), DomainId.guest);
};

/** A frame that a grant of the back end's names, by the entry as it is now; often the ring's. */
function grantedFrame(one: Choices, reference: number): number {
  const { domain, memory } = one.guest;
  const isWide = domain.grants.version === 2;
  const entry = domain.frame(xenFrames.grants) + reference * (isWide ? 16 : 8);
  return memory.read32(entry + (isWide ? 8 : 4)) >>> 0;
}

/** Writes words into a page if the guest could. */
function write(one: Choices, frame: number, offset: number, ...words: readonly number[]): void {
  const { guest } = one;
  const isThere = guest.memory.isRam(frame * pageBytes, pageBytes);
  if (isThere && offset + words.length * 4 <= pageBytes && guest.canWrite?.(frame) !== false) {
    guest.put(frame * pageBytes + offset, ...words);
  }
}

/** Writes an entry of the guest's grant table. */
function grant(one: Choices, reference: number, head: number, frame: number): void {
  const { domain, put } = one.guest;
  const isWide = domain.grants.version === 2;
  const at = domain.frame(xenFrames.grants) + reference * (isWide ? 16 : 8);
  const part = one.below(pageBytes) | (one.below(pageBytes) << 16);
  put(at, head, ...(isWide ? [part, frame, 0] : [frame]));
}

const diskOf = (one: Choices): HostileDisk => {
  const [disk] = one.guest.domain.services.disks;
  return disk instanceof HostileDisk ? disk : new HostileDisk();
};

/** A disk's ring, its requests, and what becomes of its grants. */
export const disks: readonly Maker[] = [
  // Grants to the back ends, of whole pages and parts, also while they are in use.
  (one) => {
    const head = one.of([1, 1, 1, 1, 5, 0, 0x101, one.below(0x200)], 1);
    grant(one, firstReference + one.below(6), head, one.frame());
    return 0;
  },
  connect,
  (one) => {
    if (one.below(4) === 0) say(one, 'state', one.of([1, 5, 6], 6));
    return 0;
  },
  request,
  request,
  request,
  request,
  request,
  (one) => {
    const disk = diskOf(one);
    disk.isSlow = one.below(2) === 0;
    disk.isBad = one.below(8) === 0;
    disk.finish();
    return 0;
  },
  (one) => {
    one.guest.host.polls.forEach((poll) => {
      poll();
    });
    return 0;
  },
];

/** Says where a ring is, mostly a good one, after the driver ended what it had. */
function connect(one: Choices): number {
  const disk = diskOf(one);
  const self = DomainId.self | (DomainId.backend << 16);
  const result = one.call(XenCallNumber.eventChannelOp, 6, one.put(self, 0));
  const port = one.guest.memory.read32(one.guest.argumentsAt + 4);
  const reference = firstReference + one.below(4);
  const frame = one.frame();
  if (one.below(8) !== 0) {
    grant(one, reference, 1, frame);
    write(one, frame, 0, 0, 0, 0, 0);
  }
  disk.ring = { frame, port };
  say(one, 'event-channel', one.below(8) === 0 ? one.below(16) : port);
  say(one, 'ring-ref', one.below(8) === 0 ? one.next() : reference);
  say(one, 'protocol', one.of(['x86_32-abi', 'x86_32-abi', 'x86_64-abi', ''], ''));
  for (const state of one.of([[6, 1, 3], [6, 1, 3], [3], [4], [1 + one.below(7)]], [3])) {
    say(one, 'state', state);
  }
  return result;
}

/** One or more requests in what may be the ring, and tells of them. */
function request(one: Choices): number {
  const disk = diskOf(one);
  const isOther = one.below(16) === 0;
  const frame = isOther ? grantedFrame(one, firstReference + one.below(4)) : disk.ring.frame;
  const ring = frame * pageBytes;
  const isThere = one.guest.memory.isRam(ring, pageBytes);
  const written = isThere ? one.guest.memory.read32(ring) >>> 0 : 0;
  const bytes = one.of([108, 108, 108, 112], 108);
  const reference = (): number => firstReference + one.below(8);
  const segment = (): readonly number[] => [
    one.below(16) === 0 ? one.next() : reference(),
    one.below(4) | ((3 + one.below(5) + (one.below(8) === 0 ? 1 : 0)) << 8),
  ];
  const operation = one.of([0, 0, 1, 1, 2, 3, 5, 6, 6, one.below(256)], 0);
  const count = one.of([1, 2, one.below(14), one.next() & 0xff], 1);
  const inner = one.of([0, 1, 2, 6, 3], 0) | (one.of([1, 9, 600, one.next() & 0xffff], 1) << 8);
  const head = operation | ((operation === 6 ? inner : count) << 8);
  const sector = one.below(8) === 0 ? one.next() : one.below(sectors);
  const isLong = bytes === 112;
  write(
    one,
    frame,
    64 + (written % 32) * bytes,
    ...[head, ...(isLong ? [0] : []), one.next(), 0, sector, one.below(8) === 0 ? one.next() : 0],
    ...(operation === 6 ? [0, reference(), reference()] : [...segment(), ...segment()]),
    ...segment(),
  );
  // A page of segments.
  write(one, grantedFrame(one, reference()), one.below(8) * 8, ...segment(), ...segment());
  write(one, frame, 0, one.below(16) === 0 ? one.next() : written + one.of([1, 1, 1, 3, 33], 1));
  return one.call(
    XenCallNumber.eventChannelOp,
    4,
    one.put(one.below(16) === 0 ? one.below(16) : disk.ring.port),
  );
}
