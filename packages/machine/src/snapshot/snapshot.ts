/**
 * Snapshots of a whole machine: taken between two slices, restored into a new machine that was made
 * from the same options.
 *
 *     STAT   JSON: options, CPU, clock, chips by name, waiting input (saved-machine.ts)
 *     DATA   byte arrays that STAT refers to by number: what is booted
 *     PAGE   pages of memory that are not zero (memory-pages.ts)
 *
 * Shadow tables, predecoded records and translated regions are not saved: they follow from the
 * rest.
 */
import type { Saveable } from '@ringfence/devices';

import type { Pc } from '../compose.ts';
import { MachineError } from '../error.ts';
import type { KeyboardHandle } from '../keyboard-handle.ts';
import type { MachineOptions } from '../options/machine-options.ts';
import type { SerialHandle } from '../serial-handle.ts';
import { badSnapshot, readSections, SnapshotWriter } from './container.ts';
import { clearNewMemory, pageSection, restorePages, savePages } from './memory-pages.ts';
import { fromJson, isPlain, toJson } from './plain-data.ts';
import { checkSavedMachine, told } from './saved-machine.ts';
import type { SavedMachine } from './saved-machine.ts';

const stateSection = 'STAT';
const dataSection = 'DATA';

/** Options of the run, not of the machine: those that restore it choose them. */
const ownOptions: readonly string[] = ['host', 'snapshot', 'accel', 'noReboot'];

/** The parts of a machine that a snapshot covers. */
export interface SnapshotParts {
  readonly options: MachineOptions;
  readonly pc: Pc;
  readonly serial: readonly SerialHandle[];
  readonly keyboard: KeyboardHandle;
}

/** Returns the file of a machine's state. */
export function saveSnapshot(parts: SnapshotParts): Uint8Array {
  const { pc, options, serial, keyboard } = parts;
  const writer = new SnapshotWriter();
  const pending = pc.requests.pending;
  const saved: SavedMachine = {
    takenMs: options.host.unixTimeMs(),
    options: plainOptions(options),
    clockNs: pc.clock.now(),
    cpu: pc.cpu.save(),
    random: pc.random.state,
    requests: pending?.kind === 'reset' ? [pending] : [],
    hypercalls: pc.hypercalls.save(),
    chips: pc.chipset.owned.map(({ name, chip }) => ({ name, state: saveable(name, chip).save() })),
    serialInput: serial.map((handle) => handle.waitingInput),
    strokes: keyboard.waitingStrokes,
  };
  const attachments: Uint8Array[] = [];
  const json = toJson(saved, (bytes) => attachments.push(bytes) - 1);
  writer.add({ name: stateSection, bytes: encodeText(json) });
  for (const bytes of attachments) {
    writer.add({ name: dataSection, bytes });
  }
  savePages(pc.memory.machine, (section) => {
    writer.add(section);
  });
  return writer.finish();
}

/** A snapshot whose file was checked, before there is a machine for it. */
export interface OpenedSnapshot {
  /** The options for the machine that takes it. */
  readonly options: MachineOptions;
  /** Puts the state into a machine that was made from these options and has not run. */
  restore(parts: SnapshotParts): void;
}

/**
 * Checks a snapshot's file; what `options` say of the machine itself is replaced by what it says.
 *
 * @throws MachineError with code `bad-snapshot` for a file that is foreign, damaged or of another
 * version.
 */
export function openSnapshot(file: Uint8Array, options: MachineOptions): OpenedSnapshot {
  const sections = readSections(file);
  const state = sections.find(({ name }) => name === stateSection);
  if (state === undefined) {
    throw badSnapshot('the section table', `a section ${stateSection}`, 'none');
  }
  const attachments = sections
    .filter(({ name }) => name === dataSection)
    .map((section) => () => section.bytes());
  const saved = checkSavedMachine(fromJson(decodeText(state.bytes()), attachments));
  const given = Object.entries(options).filter(([name, value]) => {
    return ownOptions.includes(name) || !isPlain(value);
  });
  return {
    // Whoever makes the machine checks them, as it does those of any caller.
    options: { ...saved.options, ...Object.fromEntries(given) } as unknown as MachineOptions,
    restore: (parts) => {
      restoreState(saved, parts, () => {
        clearNewMemory(parts.pc.memory.machine);
        for (const section of sections) {
          if (section.name === pageSection) {
            restorePages(parts.pc.memory.machine, section.bytes());
          }
        }
      });
    },
  };
}

function restoreState(saved: SavedMachine, parts: SnapshotParts, restoreMemory: () => void): void {
  const { pc, serial, keyboard } = parts;
  const names = pc.chipset.owned.map(({ name }) => name);
  const savedNames = saved.chips.map(({ name }) => name);
  if (names.join() !== savedNames.join()) {
    const odd = [
      ...savedNames.filter((name) => !names.includes(name)).map((name) => `no ${name}`),
      ...names.filter((name) => !savedNames.includes(name)).map((name) => `${name} beside it`),
    ];
    throw badSnapshot(
      'its chips',
      'a machine with the same ones',
      odd.join(', ') || 'another order',
    );
  }
  // These write clock readings to guest memory, which is then replaced.
  told(() => {
    pc.hypercalls.restore(saved.hypercalls);
  }, 'its paravirtual interfaces');
  restoreMemory();
  pc.cpu.restore(saved.cpu);
  pc.clock.restore(saved.clockNs);
  pc.random.state = saved.random;
  // In the board's order: interrupt controllers know their lines before the chips drive them.
  for (const [index, { name, chip }] of pc.chipset.owned.entries()) {
    told(() => {
      saveable(name, chip).restore(saved.chips[index]?.state);
    }, `chip ${name}`);
  }
  for (const request of saved.requests) {
    pc.requests.ask(request);
  }
  for (const [index, handle] of serial.entries()) {
    handle.write(saved.serialInput[index] ?? '');
  }
  keyboard.restoreStrokes(saved.strokes);
}

/** The options that are plain data: what is booted, but not disks behind a host's interface. */
function plainOptions(options: MachineOptions): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => {
      return !ownOptions.includes(name) && isPlain(value);
    }),
  );
}

function saveable(name: string, chip: object): Saveable {
  if ('save' in chip && 'restore' in chip) {
    return chip as Saveable; // Both methods are there; a test looks at every chip of a machine.
  }
  throw new MachineError('unsupported', {
    where: `snapshot at chip ${name}`,
    expected: 'a chip that can be saved',
    found: 'one that cannot',
  });
}

/** JSON is written in ASCII, so that no text coder of the host is needed. */
function encodeText(json: string): Uint8Array {
  const ascii = json.replace(/[\u007f-\uffff]/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return Uint8Array.from(ascii, (letter) => letter.charCodeAt(0));
}

function decodeText(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 0x2000) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x2000)));
  }
  return parts.join('');
}
