/**
 * A guest's connection to the xenstore: the ring page and the protocol over it (Xen,
 * public/io/xs_wire.h).
 *
 *     0     requests, 1024 bytes, the guest writes
 *     1024  answers and events, 1024 bytes
 *     2048  requests: read up to, written up to; answers: read up to, written up to
 */
import { DomainId } from '../../constants.ts';
import type { XenDomain } from '../../domain.ts';
import { directory, directoryPart } from './directory.ts';
import { mostWatches } from './store.ts';
import type { XenStore } from './store.ts';
import type { StoreError, StorePermission } from './tree.ts';
import {
  encodeMessage,
  fromText,
  headerBytes,
  mostPayloadBytes,
  StoreMessage,
  toText,
} from './wire.ts';
import type { WireMessage } from './wire.ts';

const ringBytes = 1024;
const Index = {
  requestRead: 2048,
  requestWritten: 2052,
  answerRead: 2056,
  answerWritten: 2060,
} as const;

/** What waits for room in the ring is bounded: events past it are lost. */
const mostWaitingBytes = 0x4_0000;

/** The path that a guest's relative paths are below. */
export const guestPath: string = `/local/domain/${String(DomainId.guest)}`;

/** Messages that have one string, with its end, and nothing else (xenstored, "onearg"). */
const ofOneString: ReadonlySet<number> = new Set([
  StoreMessage.directory,
  StoreMessage.read,
  StoreMessage.getPerms,
  StoreMessage.transactionEnd,
  StoreMessage.getDomainPath,
  StoreMessage.mkdir,
  StoreMessage.rm,
  StoreMessage.isDomainIntroduced,
  StoreMessage.resetWatches,
]);
/** Messages that only a tool stack may send: control, introduce, release, resume, set target. */
const ofToolStack: ReadonlySet<number> = new Set([0, 8, 9, 18, 19]);

/** How many strings a message has at least. */
function leastStrings(type: number): number {
  switch (type) {
    case StoreMessage.watch:
    case StoreMessage.unwatch:
    case StoreMessage.setPerms:
      return 2;
    case StoreMessage.write:
      return 1;
    default:
      return 0;
  }
}

type Answer = { readonly payload: Uint8Array } | { readonly error: StoreError };

/** The connection of one guest. */
export class StoreConnection {
  readonly #domain: XenDomain;
  readonly #store: XenStore;
  /** Bytes of a request that has not come wholly. */
  readonly #request = new Uint8Array(headerBytes + mostPayloadBytes);
  #received = 0;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  readonly #watches = new Map<string, (path: string) => void>();
  /** A request was malformed: nothing more is read until the guest starts anew. */
  #broken = false;
  readonly #told = (): void => this.#serve();

  /** Connects itself each time that the guest starts. */
  constructor(domain: XenDomain, store: XenStore) {
    this.#domain = domain;
    this.#store = store;
    domain.onStart(() => {
      this.#received = 0;
      this.#waiting.length = 0;
      this.#waitingBytes = 0;
      this.#watches.clear();
      this.#broken = false;
      this.connect();
    });
    domain.addSaved('store-connection', {
      save: () => this.#save(),
      restore: (text) => {
        this.#restore(text);
      },
    });
  }

  /** What has come of a request, what waits to be sent, watches, whether its port is gone. */
  #save(): string {
    const received = toText(this.#request.subarray(0, this.#received));
    const waiting = this.#waiting.map(toText).join('');
    const isGone = !this.#domain.events.isConnected(this.#domain.storePort, this.#told);
    return JSON.stringify([received, waiting, [...this.#watches.keys()], isGone]);
  }

  #restore(text: string): void {
    type Saved = [received: string, waiting: string, watches: string[], isGone?: boolean];
    const [received, waiting, watches, isGone] = JSON.parse(text) as Saved;
    this.#request.set(fromText(received));
    this.#received = received.length;
    this.#waiting.length = 0;
    this.#waiting.push(...(waiting === '' ? [] : [fromText(waiting)]));
    this.#waitingBytes = waiting.length;
    this.#watches.clear();
    for (const key of watches) {
      const [path = '', token = ''] = key.split('\0');
      this.#addWatch(key, path, token);
    }
    if (isGone !== true) this.connect();
  }

  /** Takes the other end of the guest's store port. */
  connect(): void {
    this.#domain.events.connect(this.#domain.storePort, this.#told);
  }

  get #page(): number {
    return this.#domain.storePage;
  }

  #serve(): void {
    const isMoved = this.#takeRequests();
    if (this.#sendWaiting() || isMoved) {
      this.#domain.events.raiseFor(this.#domain.storePort, this.#told);
    }
  }

  /** Reads what stands in the ring; true if there was any. */
  #takeRequests(): boolean {
    const { memory } = this.#domain.services;
    const page = this.#page;
    const written = memory.read32(page + Index.requestWritten) >>> 0;
    let read = memory.read32(page + Index.requestRead) >>> 0;
    const count = (written - read) >>> 0;
    if (count > ringBytes || this.#broken) {
      return false;
    }
    for (let taken = 0; taken < count; taken += 1) {
      this.#request[this.#received] = memory.read8(page + (read % ringBytes));
      this.#received += 1;
      read = (read + 1) >>> 0;
      this.#serveWhole();
      if (this.#broken) {
        break;
      }
    }
    memory.write32(page + Index.requestRead, read);
    return count > 0;
  }

  #serveWhole(): void {
    if (this.#received < headerBytes) {
      return;
    }
    const view = new DataView(this.#request.buffer);
    const bytes = view.getUint32(12, true);
    if (bytes > mostPayloadBytes) {
      this.#broken = true;
      return;
    }
    if (this.#received < headerBytes + bytes) {
      return;
    }
    this.#received = 0;
    const message: WireMessage = {
      type: view.getUint32(0, true),
      request: view.getUint32(4, true),
      transaction: view.getUint32(8, true),
      payload: this.#request.slice(headerBytes, headerBytes + bytes),
    };
    this.#answer(message);
  }

  #answer(message: WireMessage): void {
    const answer = this.#perform(message);
    const { request, transaction } = message;
    if ('error' in answer) {
      const payload = fromText(`${answer.error}\0`);
      this.#send({ type: StoreMessage.error, request, transaction, payload });
    } else {
      const payload = answer.payload;
      this.#send({ type: message.type, request, transaction, payload });
    }
    if (message.type === StoreMessage.watch && !('error' in answer)) {
      // The first event of a watch follows the answer.
      const [path = '', token = ''] = toText(message.payload).split('\0');
      this.#watches.get(`${path}\0${token}`)?.(absolute(path));
    }
  }

  #perform({ type, transaction, payload }: WireMessage): Answer {
    const store = this.#store;
    const self = DomainId.guest;
    const [first = '', second = ''] = toText(payload).split('\0');
    const ends = payload.filter((byte) => byte === 0).length;
    const isOne = ends === 1 && payload.at(-1) === 0;
    const isTwo = ends === 2 && payload.at(-1) === 0;
    const isWrong = type === StoreMessage.directoryPart ? !isTwo : ends < leastStrings(type);
    if (isWrong || (ofOneString.has(type) && !isOne)) {
      return { error: 'EINVAL' };
    }
    const path = absolute(first);
    switch (type) {
      case StoreMessage.directory:
      case StoreMessage.directoryPart: {
        const found = store.list(path, self, transaction);
        return found.error === undefined ? directoryAnswer(type, found.value, second) : found;
      }
      case StoreMessage.read: {
        const found = store.read(path, self, transaction);
        return found.error === undefined ? { payload: found.value } : found;
      }
      case StoreMessage.write: {
        const value = payload.subarray(Math.min(first.length + 1, payload.length));
        return done(store.write(path, value, self, transaction));
      }
      case StoreMessage.mkdir:
        return done(store.makeDirectory(path, self, transaction));
      case StoreMessage.rm:
        return done(store.remove(path, self, transaction));
      case StoreMessage.getPerms:
        return this.#getPermissions(path, transaction);
      case StoreMessage.setPerms: {
        const list = toText(payload).split('\0').slice(1, -1);
        const permissions = parsePermissions(list);
        return permissions === undefined
          ? { error: 'EINVAL' }
          : done(store.setPermissions(path, permissions, self, transaction));
      }
      case StoreMessage.transactionStart: {
        const id = store.begin();
        return id === 0 ? { error: 'ENOSPC' } : { payload: fromText(`${String(id)}\0`) };
      }
      case StoreMessage.transactionEnd:
        return first === 'T' || first === 'F'
          ? done(store.end(transaction, first === 'T'))
          : { error: 'EINVAL' };
      case StoreMessage.getDomainPath:
        return domainPath(first);
      case StoreMessage.isDomainIntroduced:
        return { payload: fromText(Number(first) <= DomainId.guest ? 'T\0' : 'F\0') };
      default:
        return this.#performWatch(type, first, second);
    }
  }

  #performWatch(type: number, path: string, token: string): Answer {
    const key = `${path}\0${token}`;
    switch (type) {
      case StoreMessage.watch:
        return this.#addWatch(key, path, token);
      case StoreMessage.unwatch: {
        const fire = this.#watches.get(key);
        if (fire === undefined) {
          return { error: 'ENOENT' };
        }
        this.#watches.delete(key);
        this.#store.unwatch(this, fire);
        return done(undefined);
      }
      case StoreMessage.resetWatches:
        this.#watches.clear();
        this.#store.unwatch(this);
        this.#store.abandonAll();
        return done(undefined);
      default:
        return { error: ofToolStack.has(type) ? 'EACCES' : 'ENOSYS' };
    }
  }

  #addWatch(key: string, path: string, token: string): Answer {
    if (this.#watches.has(key)) {
      return { error: 'EEXIST' };
    }
    if (this.#watches.size >= mostWatches) {
      return { error: 'E2BIG' };
    }
    const isRelative = !path.startsWith('/') && !path.startsWith('@');
    let isStarted = false;
    const fire = (changed: string): void => {
      if (isStarted) {
        const shown = isRelative ? changed.slice(guestPath.length + 1) : changed;
        const payload = fromText(`${shown}\0${token}\0`);
        this.#send({ type: StoreMessage.watchEvent, request: 0, transaction: 0, payload });
        this.#flush();
      }
    };
    const error = this.#store.watch(this, absolute(path), fire);
    isStarted = true;
    if (error !== undefined) {
      return { error };
    }
    this.#watches.set(key, fire);
    return done(undefined);
  }

  #getPermissions(path: string, transaction: number): Answer {
    const found = this.#store.permissions(path, DomainId.guest, transaction);
    if (found.error !== undefined) {
      return found;
    }
    const texts = found.value.map(({ access, domain }) => `${access}${String(domain)}\0`);
    return { payload: fromText(texts.join('')) };
  }

  #send(message: WireMessage): void {
    const bytes = encodeMessage(message);
    if (this.#waitingBytes + bytes.length <= mostWaitingBytes) {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
  }

  #flush(): void {
    if (this.#sendWaiting()) {
      this.#domain.events.raiseFor(this.#domain.storePort, this.#told);
    }
  }

  /** Writes as much as there is room for; true if there was any. */
  #sendWaiting(): boolean {
    const { memory } = this.#domain.services;
    const page = this.#page;
    const read = memory.read32(page + Index.answerRead) >>> 0;
    let written = memory.read32(page + Index.answerWritten) >>> 0;
    let sent = 0;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      let used = 0;
      while (used < first.length && (written - read) >>> 0 < ringBytes) {
        memory.write8(page + ringBytes + (written % ringBytes), first[used] ?? 0);
        written = (written + 1) >>> 0;
        used += 1;
      }
      sent += used;
      this.#waitingBytes -= used;
      if (used < first.length) {
        this.#waiting[0] = first.subarray(used);
        break;
      }
      this.#waiting.shift();
    }
    if (sent > 0) {
      memory.write32(page + Index.answerWritten, written);
    }
    return sent > 0;
  }
}

function directoryAnswer(type: number, names: readonly string[], place: string): Answer {
  if (type === StoreMessage.directoryPart) {
    return { payload: directoryPart(names, Number(/^\s*\d+/.exec(place)?.[0] ?? 0)) };
  }
  const payload = directory(names);
  return payload === undefined ? { error: 'E2BIG' } : { payload };
}

function absolute(path: string): string {
  return path.startsWith('/') || path.startsWith('@') ? path : `${guestPath}/${path}`;
}

function done(error: StoreError | undefined): Answer {
  return error === undefined ? { payload: fromText('OK\0') } : { error };
}

function domainPath(text: string): Answer {
  const number = Number(text);
  return Number.isInteger(number) && number >= 0 && number < DomainId.firstReserved
    ? { payload: fromText(`/local/domain/${String(number)}\0`) }
    : { error: 'EINVAL' };
}

function parsePermissions(texts: readonly string[]): readonly StorePermission[] | undefined {
  const permissions: StorePermission[] = [];
  for (const text of texts) {
    const match = /^([nrwb])(\d{1,5})$/.exec(text);
    if (match === null) {
      return undefined;
    }
    const access = match[1] as StorePermission['access'];
    permissions.push({ access, domain: Number(match[2]) });
  }
  return permissions.length > 0 ? permissions : undefined;
}
