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
import { badSnapshot, readSections, unpackSections } from './container.ts';
import type { PackedSection, Section } from './container.ts';
import { clearNewMemory, pageSection, restorePages, savePages } from './memory-pages.ts';
import { fromJson, isPlain, toJson } from './plain-data.ts';
import { checkSavedMachine, told } from './saved-machine.ts';
import type { SavedMachine } from './saved-machine.ts';
import { checkDrives, restoreDrives, saveDrives } from './saved-drives.ts';

const stateSection = 'STAT';
const dataSection = 'DATA';

/** Options of the run, not of the machine: those that restore it choose them. */
const ownOptions: readonly string[] = [
  'host',
  'snapshot',
  'accel',
  'noReboot',
  'translationProfile',
];

/**
 * Chips that a machine has only where somebody asks for them: the guest of a snapshot without them
 * does not know of them. Any other that a snapshot lacks is newer than it, and starts as after a
 * reset.
 */
const optionalChips = /^(ide|virtio|isa-debug-exit|fw-cfg|firmware-console)/;

/** The parts of a machine that a snapshot covers. */
export interface SnapshotParts {
  readonly options: MachineOptions;
  readonly pc: Pc;
  readonly serial: readonly SerialHandle[];
  readonly keyboard: KeyboardHandle;
}

/** Returns the sections of a machine's state, copied: the machine may go on. */
export function saveSnapshot(parts: SnapshotParts): Section[] {
  const { pc, options, serial, keyboard } = parts;
  const sections: Section[] = [];
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
    drives: saveDrives(options.drives ?? []),
    serialInput: serial.map((handle) => handle.waitingInput),
    strokes: keyboard.waitingStrokes,
  };
  const attachments: Uint8Array[] = [];
  const json = toJson(saved, (bytes) => attachments.push(bytes) - 1);
  sections.push({ name: stateSection, bytes: encodeText(json) });
  for (const bytes of attachments) {
    sections.push({ name: dataSection, bytes: bytes.slice() });
  }
  savePages(pc.memory.machine, (section) => {
    sections.push(section);
  });
  return sections;
}

/** A snapshot whose file was checked, before there is a machine for it. */
export interface OpenedSnapshot {
  /** The options for the machine that takes it. */
  readonly options: MachineOptions;
  /** Puts the state into a machine that was made from these options and has not run. */
  restore(parts: SnapshotParts): Promise<void>;
}

/**
 * Checks a snapshot's file; what `options` say of the machine itself is replaced by what it says.
 *
 * @throws MachineError with code `bad-snapshot` for a file that is foreign, damaged or of another
 * version.
 */
export async function openSnapshot(
  file: Uint8Array,
  options: MachineOptions,
): Promise<OpenedSnapshot> {
  const { host } = options;
  const sections = readSections(file);
  const named = (name: string): PackedSection[] => sections.filter((each) => each.name === name);
  const [state] = named(stateSection);
  if (state === undefined) {
    throw badSnapshot('the section table', `a section ${stateSection}`, 'none');
  }
  const attachments: Uint8Array[] = [];
  await unpackSections(named(dataSection), host, (bytes) => attachments.push(bytes));
  const json = decodeText(await state.bytes(host));
  const saved = checkSavedMachine(fromJson(json, attachments));
  const given = Object.entries(options).filter(([name, value]) => {
    return ownOptions.includes(name) || !isPlain(value);
  });
  return {
    // Whoever makes the machine checks them, as it does those of any caller.
    options: { ...saved.options, ...Object.fromEntries(given) } as unknown as MachineOptions,
    restore: async (parts) => {
      const memory = parts.pc.memory.machine;
      checkChips(saved, parts);
      checkDrives(saved.drives, parts.options.drives ?? []);
      // These write clock readings to guest memory, which is then replaced.
      told(() => {
        parts.pc.hypercalls.restore(saved.hypercalls);
      }, 'its paravirtual interfaces');
      clearNewMemory(memory);
      await unpackSections(named(pageSection), host, (bytes) => {
        restorePages(memory, bytes);
      });
      restoreState(saved, parts);
    },
  };
}

function checkChips(saved: SavedMachine, { pc }: SnapshotParts): void {
  const names = pc.chipset.owned.map(({ name }) => name);
  const savedNames = saved.chips.map(({ name }) => name);
  const odd = [
    ...savedNames.filter((name) => !names.includes(name)).map((name) => `no ${name}`),
    ...names
      .filter((name) => optionalChips.test(name) && !savedNames.includes(name))
      .map((name) => `${name} beside it`),
  ];
  if (odd.length > 0) {
    throw badSnapshot('its chips', 'a machine with the same ones', odd.join(', '));
  }
}

function restoreState(saved: SavedMachine, parts: SnapshotParts): void {
  const { options, pc, serial, keyboard } = parts;
  pc.cpu.restore(saved.cpu);
  pc.clock.restore(saved.clockNs);
  pc.random.state = saved.random;
  // In the board's order: interrupt controllers know their lines before the chips drive them.
  const states = new Map(saved.chips.map(({ name, state }) => [name, state]));
  for (const { name, chip } of pc.chipset.owned) {
    told(() => {
      if (states.has(name)) saveable(name, chip).restore(states.get(name));
      else chip.reset();
    }, `chip ${name}`);
  }
  restoreDrives(saved.drives, options.drives ?? []);
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
