/**
 * What a tool stack does for a guest before it starts: its part of the store, and its devices.
 */
import { pageBytes } from '@ringfence/memory';
import { DomainId } from '../constants.ts';
import type { XenDomain } from '../domain.ts';
import type { ShutdownReason } from '../interfaces.ts';
import { BlockBackEnd } from './block/back-end.ts';
import type { BlockCounters } from './block/server.ts';
import { XenConsole } from './console.ts';
import { guestPath, StoreConnection } from './store/connection.ts';
import { XenStore } from './store/store.ts';
import { fromText } from './store/wire.ts';

/** What the guest is called, and what is known of it as a machine that domains come and go for. */
const guestName = 'guest';
const guestUuid = '00000000-0000-0000-0000-000000000001';
const machinePath = `/vm/${guestUuid}`;

/** What the guest itself may write. */
const guestPaths: readonly string[] = [
  'control/shutdown',
  'control/sysrq',
  'control/feature-poweroff',
  'control/feature-reboot',
  'control/feature-suspend',
  'data',
  'device',
  'error',
  'attr',
  'drivers',
  'feature',
];

/** The back ends of a guest: console, store and disks. */
export class ToolStack {
  readonly store: XenStore = new XenStore();
  readonly console: XenConsole;
  readonly #domain: XenDomain;
  readonly #disks: readonly BlockBackEnd[];

  /** Makes the back ends; they connect each time that the guest starts. */
  constructor(domain: XenDomain) {
    this.#domain = domain;
    domain.onStart(() => {
      this.store.reset();
      this.#fill();
    });
    this.console = new XenConsole(domain);
    domain.addSaved('store', {
      save: () => this.store.save(),
      restore: (text) => {
        this.store.restore(text);
      },
    });
    // It lives with the guest, which calls it.
    new StoreConnection(domain, this.store);
    this.#disks = domain.services.disks.map(
      (disk, index) => new BlockBackEnd(domain, this.store, disk, index),
    );
    domain.onStart(() => {
      for (const disk of this.#disks) {
        disk.announce();
      }
    });
    domain.addSaved('disks', {
      save: () => '',
      restore: () => {
        for (const disk of this.#disks) {
          disk.resume();
        }
      },
    });
  }

  /** Counters of the disks. */
  get blockCounters(): readonly BlockCounters[] {
    return this.#disks.map((disk) => disk.counters);
  }

  /** Asks the guest to stop, as `xl shutdown` does. */
  requestShutdown(reason: Extract<ShutdownReason, 'poweroff' | 'reboot' | 'suspend'>): void {
    this.store.write(`${guestPath}/control/shutdown`, fromText(reason));
  }

  #fill(): void {
    const { store } = this;
    const domain = this.#domain;
    const put = (path: string, value: string): void => {
      store.write(`${guestPath}/${path}`, fromText(value));
    };
    for (const path of [guestPath, machinePath]) {
      store.makeDirectory(path);
      store.setPermissions(path, [
        { domain: DomainId.backend, access: 'n' },
        { domain: DomainId.guest, access: 'r' },
      ]);
    }
    put('name', guestName);
    store.write(`${machinePath}/name`, fromText(guestName));
    store.write(`${machinePath}/uuid`, fromText(guestUuid));
    put('domid', String(DomainId.guest));
    put('vm', machinePath);
    put('cpu/0/availability', 'online');
    put('memory/static-max', String((domain.pages * pageBytes) / 1024));
    put('memory/target', String((domain.pages * pageBytes) / 1024));
    put('store/ring-ref', String(domain.storePage / pageBytes));
    put('store/port', String(domain.storePort));
    put('console/ring-ref', String(domain.consolePage / pageBytes));
    put('console/port', String(domain.consolePort));
    put('console/type', 'xenconsoled');
    put('console/limit', '1048576');
    put('control/platform-feature-multiprocessor-suspend', '1');
    put('control/platform-feature-xs_reset_watches', '1');
    for (const path of guestPaths) {
      store.makeDirectory(`${guestPath}/${path}`);
      store.setPermissions(`${guestPath}/${path}`, [{ domain: DomainId.guest, access: 'n' }]);
    }
  }
}
