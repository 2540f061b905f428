/** Cases for the kernel of case-kernel.ts, made from a seed: one instruction in one mode. */
import { decodeInto, Instruction } from '@ringfence/decoder';
import { FORMS, Location } from '@ringfence/isa';
import type { Form } from '@ringfence/isa';
import { CaseSelector } from './case-kernel.ts';
import { caseBytes, codeBase, dataBase, ldtEntries } from './case-layout.ts';
import type { Descriptor } from './case-kernel.ts';

/** A generator of pseudo-random numbers: mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 32 bits. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return (value ^ (value >>> 14)) >>> 0;
  }

  below(bound: number): number {
    return this.next() % bound;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

/** The modes in which cases run. */
export const caseModes = [
  'flat3',
  'ring0-32',
  'ring0-16',
  'ring1-32',
  'ring2-16',
  'ring3-32',
  'ring3-16',
  'virtual',
  'local-32',
  'local-16',
] as const;

/** One of {@link caseModes}. */
export type CaseMode = (typeof caseModes)[number];

/** The modes that a process of an operating system can have. */
export const nativeModes: readonly CaseMode[] = ['local-32', 'local-16'];

/** A case, and what it was made of. */
export interface GeneratedCase {
  readonly mode: CaseMode;
  readonly form: Form;
  /** The bytes of the instruction. */
  readonly code: Uint8Array;
  /** As the kernel wants it. */
  readonly bytes: Uint8Array;
}

/** Instructions that would take the laboratory with them, or differ by the machine. */
const excludedAtRing0: ReadonlySet<string> = new Set(
  (
    'HLT CLI STI LGDT LIDT LMSW LTR LLDT WRMSR RDMSR IN OUT INSB INSW OUTSB OUTSW INVD WBINVD ' +
    'WBNOINVD RSM CLTS SYSEXIT SYSRET RDPMC MONITOR MWAIT'
  ).split(' '),
);
const excluded = new RegExp(
  '^(CPUID|RDTSC|RDTSCP|RDRAND|RDSEED|RDPMC|XSAVE|XRSTOR|XGETBV|XSETBV|VM|SYSENTER|SYSCALL|INT1|' +
    'RDPID|INVLPG|UD0|UD1|SWAPGS|CLAC|STAC|INVPCID|MONITOR|MWAIT)',
);
/** MOV to and from control and debug registers. */
const movesControl = (form: Form): boolean => form.map === 1 && (form.opcode & 0xf8) === 0x20;

function isFloat(form: Form): boolean {
  return /FPU|287|MMX|SSE|AES|PCLMUL|SHA|FXSR/.test(form.feature) || form.feature === 'CLFSH';
}

const families: readonly (readonly [percent: number, forms: readonly Form[]])[] = (() => {
  const usable = FORMS.filter(
    (form) => form.legacy && !excluded.test(form.mnemonic) && !isLater(form),
  );
  const system = new RegExp(
    '^(LAR|LSL|VERR|VERW|ARPL|SLDT|STR|SMSW|SGDT|SIDT|LDS|LES|LSS|LFS|LGS|IRET|RETF|CALL|JMP|INT|' +
      'INTO|BOUND|ENTER|LEAVE|PUSHF|POPF|LTR|LLDT|LMSW|CLI|STI|IN|OUT|HLT)',
  );
  const isSystem = (form: Form): boolean =>
    system.test(form.mnemonic) || form.operands.some(({ text }) => /Sw|^[CDEFGS]S$/.test(text));
  const isStack = (form: Form): boolean => /^(PUSH|POP|CALL|RET|ENTER|LEAVE)/.test(form.mnemonic);
  return [
    [40, usable.filter(isSystem)],
    [10, usable.filter(isStack)],
    [12, usable.filter((form) => form.repeat !== 'none')],
    [30, usable.filter((form) => !isFloat(form))],
    [8, usable.filter(isFloat)],
  ];
})();

/** What a process cannot do without its system noticing, and what differs by machine. */
const excludedNatively =
  /^(INT|INT3|SGDT|SIDT|SMSW|SLDT|STR|SYS|F|EMMS|FX|LDMXCSR|STMXCSR|POPF|STGI|CLGI|SKINIT|INVLPGA)/;

/** Makes the case of a seed, in one of `modes`. */
export function generateCase(seed: number, modes: readonly CaseMode[] = caseModes): GeneratedCase {
  const random = new Random(seed);
  const isNative = modes === nativeModes;
  for (;;) {
    const mode = random.pick(modes);
    let draw = random.below(100);
    const family = families.find(([percent]) => (draw -= percent) < 0) ?? families[0];
    const form = random.pick(family?.[1] ?? FORMS);
    if (isNative && (excludedNatively.test(form.mnemonic) || isFloat(form))) continue;
    const isRing0 = mode.startsWith('ring0');
    if (isRing0 && (excludedAtRing0.has(form.mnemonic) || movesControl(form))) continue;
    const code = encode(random, form, mode);
    if (code !== undefined) return build(random, mode, form, code);
  }
}

const vexLocations: ReadonlySet<number> = new Set([Location.vexGpr, Location.vexXmm]);

/** Gathers, whose memory operand needs a SIB byte. */
const isGather = (form: Form): boolean =>
  form.operands.some(({ location }) => location === Location.vectorMemory);

/** Whether a form needs the state of AVX or came later: kept cases and sequences are without. */
export function isLater({ feature }: Form): boolean {
  return /^(AVX2?|VAES|VPCLMULQDQ|F16C|FMA|CLZERO)$/.test(feature);
}

const prefixes = [0x66, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0, 0xf2, 0xf3];

/** Bytes of a form, or nothing if they are those of another. */
export function encode(random: Random, form: Form, mode: CaseMode): Uint8Array | undefined {
  const bytes: number[] = [];
  while (random.chance(25)) bytes.push(random.pick(prefixes));
  const mandatory = { '66': 0x66, F3: 0xf3, F2: 0xf2 } as const;
  if (form.vex !== '') {
    const prefix = ['NP', '66', 'F3', 'F2'].indexOf(form.prefix);
    const isUnused = form.operands.every(({ location }) => !vexLocations.has(location));
    const field = isUnused || random.chance(10) ? 0x78 : 8 * random.below(32);
    const wide = form.vexW === '' ? field & 0x80 : form.vexW === 'W1' ? 0x80 : 0;
    const long = form.vex === '256' ? 4 : 0;
    bytes.push(0xc4, 0xe0 | form.map, (field & 0x78) | wide | long | prefix);
  } else {
    if (form.prefix === '66' || form.prefix === 'F3' || form.prefix === 'F2') {
      bytes.push(mandatory[form.prefix]);
    }
    if (form.map > 0) bytes.push(0x0f);
    if (form.map === 2) bytes.push(0x38);
    if (form.map === 3) bytes.push(0x3a);
  }
  bytes.push(form.opcode | (form.opcodeRegister ? random.below(8) : 0));
  if (form.hasModrm) {
    const mod = form.mod === 'register' ? 3 : random.below(form.mod === 'memory' ? 3 : 4);
    const reg = form.digit >= 0 ? form.digit : random.below(8);
    const rm = isGather(form) ? 4 : form.rm;
    bytes.push((mod << 6) | (reg << 3) | (rm >= 0 ? rm : random.below(8)));
  }
  const small = random.chance(75);
  while (bytes.length < 32) {
    bytes.push(small && bytes.length % 2 === 1 ? 0 : random.below(256));
  }
  const code = Uint8Array.from(bytes);
  const instruction = new Instruction();
  const length = decodeInto(instruction, code, 0, 15, /16|virtual/.test(mode) ? 16 : 32);
  if (length <= 0 || FORMS[instruction.form] !== form) return undefined;
  const found = code.slice(0, length);
  // A far pointer should name a descriptor now and then.
  if (/^(CALL|JMP)$/.test(form.mnemonic) && (form.opcode === 0x9a || form.opcode === 0xea)) {
    const selector = selectorOf(random, mode);
    found[length - 2] = selector & 0xff;
    found[length - 1] = selector >>> 8;
  }
  // Branches to themselves would not end.
  const isLoop = form.flow !== 'next' && instruction.immediate === -length;
  return isLoop ? undefined : found;
}

function selectorOf(random: Random, mode: CaseMode): number {
  if (nativeModes.includes(mode)) return (random.below(ldtEntries) << 3) | 4 | random.below(4);
  if (random.chance(10)) return random.below(0x10000);
  return (random.below(20 + CaseSelector.randomCount) << 3) | random.below(4);
}

const levels = { 'ring0-32': 0, 'ring0-16': 0, 'ring1-32': 1, 'ring2-16': 2 } as const;

function build(random: Random, mode: CaseMode, form: Form, code: Uint8Array): GeneratedCase {
  const bytes = new Uint8Array(caseBytes);
  const view = new DataView(bytes.buffer);
  const level = mode in levels ? levels[mode as keyof typeof levels] : 3;
  const isVirtual = mode === 'virtual';
  const isFlat = mode === 'flat3';
  const flat = isFlat ? dataBase : 0;
  const put = (offset: number, value: number): void => view.setUint32(offset, value, true);
  let flags = 2 | (random.next() & 0x8d5);
  if (random.chance(20)) flags |= 0x400;
  if (random.chance(30)) flags |= random.below(4) << 12;
  if (random.chance(5)) flags |= 0x4000;
  if (random.chance(5)) flags |= 0x40000;
  if (isVirtual) flags |= 0x20000;
  const isLocal = nativeModes.includes(mode);
  if (isLocal) flags = (flags & ~0x7000) | 0x200 | (random.chance(10) ? 0x40000 : 0);
  const paragraph = dataBase >> 4;
  const segments = [paragraph, paragraph, paragraph, paragraph + random.below(0x100), paragraph];
  const data = isLocal
    ? CaseSelector.localData
    : isFlat
      ? CaseSelector.flatData3
      : (CaseSelector.data[level] ?? 0);
  const code16 = /16/.test(mode);
  const localCode = code16 ? CaseSelector.localCode16 : CaseSelector.localCode32;
  const codes = code16 ? CaseSelector.code16 : CaseSelector.code32;
  put(0, 0x100 + (isFlat ? codeBase : 0));
  put(
    4,
    isVirtual
      ? codeBase >> 4
      : isFlat
        ? CaseSelector.flatCode3
        : isLocal
          ? localCode
          : (codes[level] ?? 0),
  );
  put(8, flags);
  const edge = random.chance(15) && level === 3;
  put(
    12,
    (edge ? random.pick([0, 1, 2, 3, 6, 0xfffe, 0xffff]) : 0x8000 + 4 * random.below(64)) + flat,
  );
  put(16, isVirtual ? (segments[0] ?? 0) : data);
  for (let index = 0; index < 4; index++) {
    const usual = isVirtual ? (segments[1 + index] ?? 0) : data;
    const other = isVirtual ? usual : random.pick([0, data, data]);
    put(20 + 4 * index, index === 1 ? usual : other);
  }
  for (let index = 0; index < 7; index++) put(36 + 4 * index, registerOf(random, flat, mode));
  bytes.fill(0xcc, 64);
  bytes.set(code, 64);
  return { mode, form, code, bytes };
}

function registerOf(random: Random, flat: number, mode: CaseMode): number {
  const kind = random.below(10);
  if (kind < 4) return flat + random.below(0x10000);
  if (kind < 6) return flat + random.pick([0, 1, 2, 4, 0xfffc, 0xfffe, 0xffff, 0x10000, 0x7fff]);
  if (kind < 8) return selectorOf(random, mode);
  if (kind < 9) return random.below(8);
  return random.next();
}

/** Descriptors of every type for the random part of the table. */
export function randomDescriptors(seed: number): Descriptor[] {
  const random = new Random(seed);
  return Array.from({ length: CaseSelector.randomCount }, () => randomDescriptor(random));
}

function randomDescriptor(random: Random): Descriptor {
  const present = random.chance(90) ? 0x80 : 0;
  const access = present | (random.below(4) << 5) | random.below(32);
  const type = access & 0x1f;
  if ((type & 0x17) === 4 || (type & 0x16) === 6 || type === 5) {
    // Gates lead to code of the cases; 0 to 3 parameters.
    const selector = random.chance(15)
      ? selectorOf(random, 'flat3')
      : random.pick(CaseSelector.code32);
    const offset = random.below(0x200);
    return [((selector << 16) | offset) >>> 0, ((access << 8) | random.below(4)) >>> 0];
  }
  if ((type & 0x10) === 0) {
    // Task states and tables lie in the data, whose contents are no valid task.
    return [((dataBase << 16) | 0x200) >>> 0, ((dataBase >>> 16) | (access << 8)) >>> 0];
  }
  const base = (type & 8) !== 0 ? codeBase : dataBase;
  const limit = random.pick([0xffff, 0xffff, 0x7fff, 0x8100, 0]);
  const flags = random.below(2) << 22;
  return [((base << 16) | limit) >>> 0, ((base >>> 16) | (access << 8) | flags) >>> 0];
}

/** An entry of the local descriptor table as modify_ldt takes it. */
export interface LocalEntry {
  readonly base: number;
  readonly limit: number;
  /** Bits: 32-bit, contents (two), read-only or execute-only, in pages, not present. */
  readonly flags: number;
}

/** The local descriptor table of a run: the three segments of cases, then data and code. */
export function localEntries(seed: number): LocalEntry[] {
  const random = new Random(seed);
  const fixed: LocalEntry[] = [
    { base: codeBase, limit: 0xffff, flags: 0x05 },
    { base: codeBase, limit: 0xffff, flags: 0x04 },
    { base: dataBase, limit: 0xffff, flags: 0x01 },
  ];
  const others = Array.from({ length: ldtEntries - 4 }, () => {
    // Linux takes no conforming code.
    const contents = random.below(3);
    const wide = random.below(2);
    const more = (random.chance(30) ? 8 : 0) | (random.chance(10) ? 32 : 0);
    // Data from the middle on, so that segments that expand down have something below.
    const base = contents >= 2 ? codeBase : dataBase;
    const limit = random.pick([0xffff, 0xffff, 0x7fff, 0x8100, 0x3f, 0]);
    return { base, limit, flags: wide | (contents << 1) | more };
  });
  return [...fixed, ...others];
}

/** The descriptor that Linux makes of an entry: level 3, accessed (its fill_ldt). */
export function localDescriptor({ base, limit, flags }: LocalEntry): Descriptor {
  const writable = (flags & 8) === 0 ? 2 : 0;
  const type = 1 | writable | (((flags >> 1) & 3) << 2);
  const access = type | 0x70 | ((flags & 32) === 0 ? 0x80 : 0);
  const granularity = ((flags & 1) << 22) | ((flags & 16) << 19);
  return [
    ((base << 16) | (limit & 0xffff)) >>> 0,
    (((base >>> 16) & 0xff) | (access << 8) | granularity) >>> 0,
  ];
}
