/**
 * A paravirtual disk's back end in the store: what it offers, and the handshake with the guest's
 * front end (Xen, public/io/blkif.h, "Front->back notifications", and public/io/xenbus.h).
 */
import { pageBytes } from '@ringfence/memory';
import { DomainId } from '../../constants.ts';
import type { XenDomain } from '../../domain.ts';
import type { XenDisk } from '../../interfaces.ts';
import { guestPath } from '../store/connection.ts';
import type { XenStore } from '../store/store.ts';
import { fromText, toText } from '../store/wire.ts';
import { blockLayouts, BlockRing, mostIndirectSegments } from './ring.ts';
import { BlockServer } from './server.ts';
import type { BlockCounters } from './server.ts';

/** States of either end (XenbusState). */
export const BusState = {
  initialising: 1,
  initWait: 2,
  initialised: 3,
  connected: 4,
  closing: 5,
  closed: 6,
} as const;

const sectorBytes = 512;
/** Number of `xvda`; the next disk is 16 further (docs/man/xen-vbd-interface.7). */
const firstDevice = 202 << 8;
const devicesPerDisk = 16;
/** `info`: bit 2 is a disk that can only be read (blkif.h, VDISK_READONLY). */
const infoReadOnly = 4;

/** The back end of one disk. */
export class BlockBackEnd {
  readonly #domain: XenDomain;
  readonly #store: XenStore;
  readonly #disk: XenDisk;
  readonly #back: string;
  readonly #front: string;
  readonly #number: number;
  readonly #pollTimer: ReturnType<XenDomain['services']['timers']['create']>;
  readonly #resumed: ReturnType<XenDomain['services']['timers']['create']>;
  #server: BlockServer | undefined;
  #port = 0;
  #told: () => void = () => undefined;
  /** What the back end has said that it is. */
  #state: number = BusState.initialising;
  readonly counters: BlockCounters = {
    requests: 0,
    sectorsRead: 0,
    sectorsWritten: 0,
    flushes: 0,
    errors: 0,
  };

  /** Makes the back end of the disk number `index`; `announce` puts it into the store. */
  constructor(domain: XenDomain, store: XenStore, disk: XenDisk, index: number) {
    this.#domain = domain;
    this.#store = store;
    this.#disk = disk;
    this.#number = firstDevice + index * devicesPerDisk;
    this.#back = `/local/domain/0/backend/vbd/${String(DomainId.guest)}/${String(this.#number)}`;
    this.#front = `${guestPath}/device/vbd/${String(this.#number)}`;
    const { timers, machine } = domain.services;
    this.#resumed = timers.create(() => {
      this.#frontChanged();
    });
    this.#pollTimer = timers.create(() => {
      this.#server?.poll('timer');
    });
    machine.onIdle?.(() => this.#server?.poll('idle') ?? false);
  }

  /** Puts both ends into the store, as a tool stack does, and waits for the guest. */
  announce(): void {
    this.#disconnect();
    const store = this.#store;
    const device = String(this.#number);
    const put = (path: string, value: string): void => {
      store.write(path, fromText(value));
    };
    store.makeDirectory(this.#front);
    store.setPermissions(this.#front, [
      { domain: DomainId.guest, access: 'n' },
      { domain: DomainId.backend, access: 'r' },
    ]);
    put(`${this.#front}/backend`, this.#back);
    put(`${this.#front}/backend-id`, String(DomainId.backend));
    put(`${this.#front}/state`, String(BusState.initialising));
    put(`${this.#front}/virtual-device`, device);
    put(`${this.#front}/device-type`, 'disk');
    store.makeDirectory(this.#back);
    store.setPermissions(this.#back, [
      { domain: DomainId.backend, access: 'n' },
      { domain: DomainId.guest, access: 'r' },
    ]);
    put(`${this.#back}/frontend`, this.#front);
    put(`${this.#back}/frontend-id`, String(DomainId.guest));
    put(`${this.#back}/online`, '1');
    put(`${this.#back}/removable`, '0');
    put(`${this.#back}/bootable`, '1');
    put(`${this.#back}/dev`, this.#disk.name);
    put(`${this.#back}/type`, 'qdisk');
    put(`${this.#back}/mode`, this.#disk.storage.readOnly ? 'r' : 'w');
    put(`${this.#back}/device-type`, 'disk');
    put(`${this.#back}/feature-barrier`, '1');
    put(`${this.#back}/feature-flush-cache`, '1');
    put(`${this.#back}/feature-discard`, '1');
    put(`${this.#back}/discard-granularity`, String(sectorBytes));
    put(`${this.#back}/feature-persistent`, '0');
    put(`${this.#back}/feature-max-indirect-segments`, String(mostIndirectSegments));
    this.#say(BusState.initWait);
    store.watch(this, `${this.#front}/state`, () => {
      this.#frontChanged();
    });
  }

  /**
   * Takes its place up again after the store was restored: the guest goes on as it was.
   *
   * The guest's memory is restored later; the ring is looked at when the machine runs.
   */
  resume(): void {
    this.#server?.close();
    this.#server = undefined;
    this.#state = Number(this.#read(`${this.#back}/state`));
    this.#store.watch(this, `${this.#front}/state`, () => {
      this.#resumed.arm(0);
    });
  }

  #frontChanged(): void {
    const state = Number(this.#read(`${this.#front}/state`));
    switch (state) {
      case BusState.initialising:
        // The guest starts anew: another kernel, or the driver again.
        if (this.#state === BusState.closed || this.#state === BusState.connected) {
          this.#disconnect();
          this.#say(BusState.initWait);
        }
        break;
      case BusState.initialised:
      case BusState.connected:
        if (this.#server === undefined && this.#connect()) {
          this.#say(BusState.connected);
        }
        break;
      case BusState.closing:
        this.#disconnect();
        this.#say(BusState.closing);
        break;
      case BusState.closed:
        this.#disconnect();
        this.#say(BusState.closed);
        break;
      default:
    }
  }

  /** Takes the guest's ring and port; false when what it wrote leads nowhere. */
  #connect(): boolean {
    const reference = this.#number32(`${this.#front}/ring-ref`);
    const port = this.#number32(`${this.#front}/event-channel`);
    const protocol = this.#read(`${this.#front}/protocol`);
    const layout = blockLayouts[protocol === 'x86_64-abi' ? 'x86_64-abi' : 'x86_32-abi'];
    const { events, services, grants } = this.#domain;
    const grant = grants.use(reference, true);
    if (grant === undefined || grant.bytes !== pageBytes) {
      // Part of a page is no ring: it would go on in the next one.
      if (grant !== undefined) grants.release(reference, true);
      return false;
    }
    const ring = new BlockRing(services.memory, grant.physical, layout);
    const told = (): void => {
      server.serve();
    };
    const tell = (): void => {
      events.raiseFor(port, told);
    };
    const pollLater = (delayNs: number): void => {
      this.#pollTimer.arm(services.clock.now() + delayNs);
    };
    const { storage } = this.#disk;
    const polls = services.machine.onIdle === undefined ? undefined : pollLater;
    const server = new BlockServer(this.#domain, storage, ring, this.counters, tell, polls);
    if (!events.connect(port, told)) {
      grants.release(reference, true);
      return false;
    }
    this.#server = server;
    this.#port = port;
    this.#told = told;
    this.#ringReference = reference;
    this.#put('sector-size', String(sectorBytes));
    this.#put('sectors', String(Math.floor(this.#disk.storage.bytes / sectorBytes)));
    this.#put('info', String(this.#disk.storage.readOnly ? infoReadOnly : 0));
    server.serve();
    return true;
  }

  #ringReference = -1;

  #disconnect(): void {
    if (this.#server !== undefined) {
      this.#server.close();
      this.#server = undefined;
      const { events } = this.#domain;
      if (events.isConnected(this.#port, this.#told)) events.disconnect(this.#port);
      this.#domain.grants.release(this.#ringReference, true);
    }
  }

  #say(state: number): void {
    this.#state = state;
    this.#put('state', String(state));
  }

  #put(name: string, value: string): void {
    this.#store.write(`${this.#back}/${name}`, fromText(value));
  }

  #read(path: string): string {
    const found = this.#store.read(path);
    return found.error === undefined ? toText(found.value) : '';
  }

  #number32(path: string): number {
    const text = this.#read(path);
    return /^\d{1,10}$/.test(text) ? Number(text) : -1;
  }
}
