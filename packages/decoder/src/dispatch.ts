/**
 * The way from opcode bytes to a form, as typed arrays built once from the rows.
 *
 * `PRIMARY` is indexed by VEX prefix with its W and L, mode (legacy or 64-bit), opcode map, opcode
 * and mandatory prefix:
 *
 * | bits  | 15, 14 | 13  | 12     | 11..10                   | 9..2   | 1..0             |
 * | ----- | ------ | --- | ------ | ------------------------ | ------ | ---------------- |
 * |       | W, L   | VEX | 64-bit | map (1, 0F, 0F38, 0F3A)  | opcode | none, 66, F3, F2 |
 *
 * An entry is a form, {@link NOTHING}, or, where ModRM decides, {@link GROUP} plus the position of
 * 16 entries in `GROUPS` (bit 3: register operand, bits 2..0: reg), which may again be `GROUP`
 * plus the position of 8 entries in `GROUPS`, one per rm (0F 01 and the x87 opcodes).
 */
import { Access, FORMS, Location } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';

/** No form: the opcode does not exist. */
export const NOTHING = -1;

/** Entries from here on are positions in {@link GROUPS}. */
export const GROUP = 0x4000;

/** Prefix slots that each written prefix fills: bit 0 none, 1: 66, 2: F3, 3: F2. */
const SLOTS: Readonly<Record<Form['prefix'], number>> = {
  '': 0b1111,
  NP: 0b0001,
  NFx: 0b0011,
  '66': 0b0010,
  F3: 0b0100,
  F2: 0b1000,
};

const built = buildDispatch();

/** First level of the dispatch; see the head of this file. */
export const PRIMARY: Int16Array = built.primary;

/** Second and third level of the dispatch. */
export const GROUPS: Int16Array = built.groups;

/** The form XCHG Zv, rAX, which 90 is when REX.B makes its register R8 (SDM vol. 2B, NOP). */
export const EXCHANGE_FORM: number = FORMS.findIndex((form) => form.encoding === '90+r');

function buildDispatch(): { primary: Int16Array; groups: Int16Array } {
  const primary = new Int16Array(65536).fill(NOTHING);
  const groups: number[] = [];
  const rows = new Map<number, Form[]>();
  for (const form of FORMS) {
    for (const key of keysOf(form)) {
      const sharing = rows.get(key);
      if (sharing === undefined) rows.set(key, [form]);
      else sharing.push(form);
    }
  }
  const byModrm = new Int16Array(256);
  // Most keys differ in mode or prefix only and choose among the same forms.
  const entries = new Map<string, number>();
  for (const [key, forms] of rows) {
    const same = forms.map((form) => form.index).join();
    let entry = entries.get(same);
    if (entry === undefined) {
      byModrm.fill(NOTHING);
      // The most specific row is entered last and wins.
      forms.sort((left, right) => specificity(left) - specificity(right));
      for (const form of forms) enter(byModrm, form);
      entry = compress(byModrm, groups);
      entries.set(same, entry);
    }
    primary[key] = entry;
  }
  return { primary, groups: Int16Array.from(groups) };
}

function keysOf(form: Form): number[] {
  const keys: number[] = [];
  const opcodes = form.opcodeRegister ? 8 : 1;
  for (const long of [false, true]) {
    if (!(long ? form.long : form.legacy)) continue;
    for (let slot = 0; slot < 4; slot++) {
      if (((SLOTS[form.prefix] >> slot) & 1) === 0) continue;
      for (let addend = 0; addend < opcodes; addend++) {
        const key = (form.map << 10) | ((form.opcode + addend) << 2) | slot;
        keys.push(...planesOf(form).map((plane) => plane | (long ? 4096 : 0) | key));
      }
    }
  }
  return keys;
}

/** The VEX prefixes that a form has, as bits of the key. */
function planesOf({ vex, vexW }: Form): readonly number[] {
  if (vex === '') return [0];
  const lengths = vex === 'LIG' ? [0, 1] : [vex === '256' ? 1 : 0];
  const wide = vexW === '' ? [0, 1] : [vexW === 'W1' ? 1 : 0];
  return lengths.flatMap((l) => wide.map((w) => (w << 15) | (l << 14) | (1 << 13)));
}

function specificity(form: Form): number {
  const prefix = form.prefix === '' ? 0 : 4;
  const fields = form.rm >= 0 ? 3 : form.digit >= 0 ? 2 : form.opcodeRegister ? 0 : 1;
  return prefix + fields;
}

/** Enters a form at each value of the ModRM byte that selects it. */
function enter(byModrm: Int16Array, form: Form): void {
  for (let modrm = 0; modrm < 256; modrm++) {
    const isRegister = modrm >= 0xc0;
    const reg = (modrm >> 3) & 7;
    if (form.mod === 'register' && !isRegister) continue;
    if (form.mod === 'memory' && isRegister) continue;
    if (form.digit >= 0 && form.digit !== reg) continue;
    if (form.rm >= 0 && form.rm !== (modrm & 7)) continue;
    if (!segmentExists(form, reg)) continue;
    byModrm[modrm] = form.index;
  }
}

/** There are six segment registers, and CS is loaded by far transfers only (SDM vol. 2B, MOV). */
function segmentExists(form: Form, reg: number): boolean {
  const segment = form.operands.find(({ location }) => location === Location.segment);
  if (segment === undefined) return true;
  return reg < 6 && !(reg === 1 && (segment.access & Access.write) !== 0);
}

/** Finds the smallest of the three levels that tells these 256 entries apart. */
function compress(byModrm: Int16Array, groups: number[]): number {
  const first = byModrm[0] ?? NOTHING;
  if (byModrm.every((entry) => entry === first)) return first;
  const entries: number[] = [];
  for (let slot = 0; slot < 16; slot++) {
    const start = (slot & 7) * 8 + (slot >= 8 ? 0xc0 : 0);
    const byRm = byModrm.slice(start, start + 8);
    const entry = byRm[0] ?? NOTHING;
    if (slot < 8 || byRm.every((other) => other === entry)) entries.push(entry);
    else entries.push(GROUP + groups.push(...byRm) - 8);
  }
  return GROUP + groups.push(...entries) - 16;
}
