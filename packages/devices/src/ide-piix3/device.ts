/**
 * The IDE function of the PIIX3: two channels in their traditional places, and the bus master's
 * ports (82371SB data sheet, section 2.3; Programming Interface for Bus Master IDE Controller 1.0).
 *
 * The channels are decoded after reset, as firmware would leave them.
 */
import type { BlockStorage } from '../block-storage.ts';
import type {
  AccessSize,
  Clock,
  DeviceState,
  DmaMemory,
  FixedPortDevice,
  IrqLine,
  PortDevice,
  PortWindow,
  Resettable,
  Saveable,
  Timers,
} from '../interfaces.ts';
import { PciConfigSpace, type PciAddressSpace, type PciFunction } from '../pci/function.ts';
import { pciCommand, pciIdentity, pciRegister } from '../pci/registers.ts';
import { openState, saveState } from '../state-shape.ts';
import { AtaDisk } from './ata-disk.ts';
import { AtapiCd } from './atapi-cd.ts';
import { IdeChannel } from './channel.ts';
import { Drive, resetDrive, type DriveBus } from './drive.ts';
import * as reg from './registers.ts';
import { ideShape } from './state.ts';

const stateVersion = 1;
const ideDeviceNumber = 0x7010;
const masterPorts = 16;

/** A drive of the controller. */
export interface IdeDriveOptions {
  readonly kind: 'disk' | 'cdrom';
  /** The sectors; a CD drive may be without. */
  readonly storage?: BlockStorage;
  /** At most 40 characters of ASCII. */
  readonly model?: string;
  /** At most 20 characters of ASCII. */
  readonly serial?: string;
}

/** What the controller is connected to. */
export interface IdePiix3Options {
  readonly memory: DmaMemory;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly addressSpace: PciAddressSpace;
  /** Interrupt requests 14 and 15. */
  readonly irqs: readonly [primary: IrqLine, secondary: IrqLine];
  /** Primary first and second, secondary first and second. */
  readonly drives: readonly (IdeDriveOptions | undefined)[];
  /** Where the bus master's ports stand after reset, in a machine without firmware. */
  readonly base?: number;
}

/** The function 00:01.1 of an i440FX PC, with its drives. */
export class IdePiix3 implements PciFunction, FixedPortDevice, Saveable, Resettable {
  readonly ports: readonly PortWindow[];
  readonly #config: PciConfigSpace;
  readonly #channels: readonly IdeChannel[];
  readonly #trays = new Map<number, AtapiCd>();
  /** Numbers of the drives that are disks. */
  readonly #disks: readonly number[];

  /** Makes a controller with its drives. */
  constructor(options: IdePiix3Options) {
    const { memory, clock, timers, base } = options;
    const kinds = options.drives.map((drive) => drive?.kind);
    this.#disks = [...kinds.keys()].filter((unit) => kinds[unit] === 'disk');
    const master: PortDevice = {
      readPort: (port, size) => this.#readMaster(port, size),
      writePort: (port, size, value) => {
        this.#channels[port >> 3]?.master.writeWide(port & 7, size, value);
      },
    };
    const ready = base === undefined ? 0 : pciCommand.ports | pciCommand.busMaster;
    this.#config = new PciConfigSpace({
      vendor: pciIdentity.intel,
      device: ideDeviceNumber,
      classCode: 0x01_0180,
      bars: {
        4: {
          kind: 'ports',
          size: masterPorts,
          device: master,
          ...(base === undefined ? {} : { address: base }),
        },
      },
      addressSpace: options.addressSpace,
      initial: [
        [pciRegister.command, ready, 0, 0x80, 0x02],
        [reg.ideConfig.timing, 0x00, 0x80, 0x00, 0x80],
      ],
      writable: [[reg.ideConfig.timing, 0xff, 0xf3, 0xff, 0xf3]],
    });
    this.#channels = reg.ideChannels.map(({ base: first, control }, channel) => {
      const timing = reg.ideConfig.timing + 2 * channel;
      return new IdeChannel({
        base: first,
        control,
        memory,
        clock,
        timers,
        irq: options.irqs[channel] ?? { set: () => undefined },
        decodes: () => (this.#config.readConfig(timing, 2) & reg.decodeEnable) !== 0,
        makeDrive: (bus, place) => this.#makeDrive(bus, 2 * channel + place, options),
      });
    });
    this.ports = this.#channels.flatMap(({ ports }) => ports);
  }

  /** Reads the task file. */
  readPort(port: number, size: AccessSize): number {
    return this.#channelAt(port)?.readPort(port, size) ?? 0xff;
  }

  /** Writes the task file. */
  writePort(port: number, size: AccessSize, value: number): void {
    this.#channelAt(port)?.writePort(port, size, value);
  }

  /** Reads configuration space. */
  readConfig(offset: number, size: AccessSize): number {
    return this.#config.readConfig(offset, size);
  }

  /** Writes configuration space. */
  writeConfig(offset: number, size: AccessSize, value: number): void {
    this.#config.writeConfig(offset, size, value);
  }

  /** Puts another CD into a drive, or takes it out; returns whether there is such a drive. */
  changeMedium(unit: number, medium: BlockStorage | undefined): boolean {
    this.#trays.get(unit)?.insert(medium);
    return this.#trays.has(unit);
  }

  /** Takes the disks away, CD drives not, until the machine is reset. */
  unplugDisks(): void {
    for (const unit of this.#disks) this.#channels[unit >> 1]?.unplug(unit & 1);
  }

  /** Returns to the state after reset. */
  reset(): void {
    this.#config.reset();
    for (const channel of this.#channels) channel.reset();
  }

  /** Returns a copy of the registers. */
  save(): DeviceState {
    const absent = () => resetDrive([0, 0]);
    const channels = this.#channels.map((channel) => channel.save(absent));
    const state = { config: this.#config.saveBytes(), channels };
    return saveState('ide-piix3', stateVersion, ideShape, state);
  }

  /** Takes over saved registers and begins again what waited for the storage. */
  restore(state: unknown): void {
    const saved = openState(state, 'ide-piix3', stateVersion, ideShape);
    this.#config.restoreBytes(saved.config);
    for (const [index, channel] of this.#channels.entries()) {
      const registers = saved.channels[index];
      if (registers !== undefined) channel.restore(registers);
    }
  }

  #makeDrive(bus: DriveBus, unit: number, options: IdePiix3Options): Drive | undefined {
    const drive = options.drives[unit];
    if (drive === undefined) return undefined;
    const { kind, storage, serial = `RF${String(unit + 1).padStart(5, '0')}` } = drive;
    const model = drive.model ?? (kind === 'cdrom' ? 'RINGFENCE CD-ROM' : 'RINGFENCE DISK');
    const names = { model, serial };
    if (kind === 'disk') {
      return storage && new Drive(bus, (self) => new AtaDisk(self, storage, names));
    }
    return new Drive(bus, (self) => {
      const cd = new AtapiCd(self, storage, names);
      this.#trays.set(unit, cd);
      return cd;
    });
  }

  #channelAt(port: number): IdeChannel | undefined {
    return this.#channels.find(({ ports }) =>
      ports.some(({ first, count }) => port >= first && port < first + count),
    );
  }

  #readMaster(port: number, size: AccessSize): number {
    let value = 0;
    for (let index = size - 1; index >= 0; index -= 1) {
      const at = port + index;
      value = value * 256 + (this.#channels[at >> 3]?.master.read(at & 7) ?? 0);
    }
    return value;
  }
}
