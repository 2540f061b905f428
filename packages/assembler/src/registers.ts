/** Kinds of registers that operands name. */
export type RegisterClass =
  'gpr' | 'segment' | 'control' | 'debug' | 'mm' | 'xmm' | 'ymm' | 'st' | 'ip';

/** A register operand. */
export interface Register {
  readonly kind: 'register';
  readonly name: string;
  readonly class: RegisterClass;
  /** Number as it is encoded, 0..15; AH, CH, DH, BH are 4..7 with `high`. */
  readonly number: number;
  readonly bytes: number;
  /** AH, CH, DH, BH, which no instruction with REX can name. */
  readonly high: boolean;
  /** SPL, BPL, SIL, DIL, which need a REX prefix. */
  readonly needsRex: boolean;
}

type Legacy16 = 'ax' | 'cx' | 'dx' | 'bx' | 'sp' | 'bp' | 'si' | 'di';
type Legacy8 =
  'al' | 'cl' | 'dl' | 'bl' | 'ah' | 'ch' | 'dh' | 'bh' | 'spl' | 'bpl' | 'sil' | 'dil';
type Octal = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7';
type High = '8' | '9' | '10' | '11' | '12' | '13' | '14' | '15';

/** The names of all registers, in lower case. */
export type RegisterName =
  | Legacy8
  | Legacy16
  | `e${Legacy16}`
  | `r${Legacy16}`
  | `r${High}${'' | 'b' | 'w' | 'd'}`
  | 'es'
  | 'cs'
  | 'ss'
  | 'ds'
  | 'fs'
  | 'gs'
  | `cr${Octal | '8'}`
  | `dr${Octal}`
  | `mm${Octal}`
  | `st${Octal}`
  | `xmm${Octal | High}`
  | `ymm${Octal | High}`
  | 'eip'
  | 'rip';

/** Whether a register can be the index of a gather. */
export function isVector(register: Register): boolean {
  return register.class === 'xmm' || register.class === 'ymm';
}

const LEGACY: readonly Legacy16[] = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
const LOW8: readonly Legacy8[] = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'];
const HIGH8: readonly Legacy8[] = ['ah', 'ch', 'dh', 'bh'];
const SEGMENTS: readonly RegisterName[] = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];

/** All registers by name: `const { eax, ebx } = registers`. */
export const registers: Readonly<Record<RegisterName, Register>> = buildRegisters();

/** All registers by name for text that may name none. */
export const REGISTERS_BY_NAME: ReadonlyMap<string, Register> = new Map(Object.entries(registers));

function buildRegisters(): Record<RegisterName, Register> {
  const all: Record<string, Register> = {};
  const add = (name: string, kind: RegisterClass, number: number, bytes: number): void => {
    const high = HIGH8.some((other) => other === name);
    const needsRex = bytes === 1 && number >= 4 && number < 8 && !high;
    all[name] = { kind: 'register', name, class: kind, number, bytes, high, needsRex };
  };
  LOW8.forEach((name, number) => add(name, 'gpr', number, 1));
  HIGH8.forEach((name, number) => add(name, 'gpr', number + 4, 1));
  LEGACY.forEach((name, number) => {
    add(name, 'gpr', number, 2);
    add(`e${name}`, 'gpr', number, 4);
    add(`r${name}`, 'gpr', number, 8);
  });
  for (let number = 8; number < 16; number++) {
    add(`r${number}b`, 'gpr', number, 1);
    add(`r${number}w`, 'gpr', number, 2);
    add(`r${number}d`, 'gpr', number, 4);
    add(`r${number}`, 'gpr', number, 8);
    add(`xmm${number}`, 'xmm', number, 16);
    add(`ymm${number}`, 'ymm', number, 32);
  }
  for (let number = 0; number < 8; number++) {
    add(`cr${number}`, 'control', number, 0);
    add(`dr${number}`, 'debug', number, 0);
    add(`mm${number}`, 'mm', number, 8);
    add(`st${number}`, 'st', number, 10);
    add(`xmm${number}`, 'xmm', number, 16);
    add(`ymm${number}`, 'ymm', number, 32);
  }
  add('cr8', 'control', 8, 0);
  SEGMENTS.forEach((name, number) => add(name, 'segment', number, 2));
  add('eip', 'ip', 0, 4);
  add('rip', 'ip', 0, 8);
  // Every name of the union is added above; a test goes through them.
  return all as Record<RegisterName, Register>;
}
