import { Location, operandBytes } from '@ringfence/isa';
import type { Form, OperandSpec } from '@ringfence/isa';
import { addressBitsOf, encodeAddressing } from './addressing.ts';
import type { Addressing, Bits } from './addressing.ts';
import { AssemblerError } from './error.ts';
import { Expression } from './expression.ts';
import { fieldValue, storeField } from './fixup.ts';
import type { Fixup, Range } from './fixup.ts';
import { formatOperand } from './operand.ts';
import type { Memory, Operand } from './operand.ts';
import type { Register } from './registers.ts';

/** Prefixes that a program asks for beside those that the operands and the form need. */
export interface Prefixes {
  readonly lock?: boolean;
  /** F3 for `rep` and `repe`, F2 for `repne`. */
  readonly repeat?: 'repe' | 'repne';
  /** Segment override of implied memory operands (LODS, XLAT). */
  readonly segment?: Register;
}

/** The mode, the sizes and the prefixes under which a form is encoded. */
export interface EncodeOptions {
  readonly bits: Bits;
  readonly operandSize: 16 | 32 | 64;
  /** Address size of implied memory operands and of JCXZ and LOOP; the mode's by default. */
  readonly addressBits?: Bits;
  readonly prefixes?: Prefixes;
  /** ModRM.reg of forms that do not use it (SETcc, NOP Ev); 0 by default. */
  readonly unusedReg?: number;
}

/** An encoded instruction: its bytes and the fields that wait for the values of labels. */
export interface Encoded {
  readonly bytes: number[];
  readonly fixups: readonly Fixup[];
}

const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const MANDATORY = { '66': 0x66, F3: 0xf3, F2: 0xf2 } as const;
const MAPS = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

/** Whether 66 is part of the encoding or forbidden, so that it cannot be the operand size. */
export function fixesOperandPrefix(form: Form): boolean {
  return form.vex !== '' || form.prefix === '66' || form.prefix === 'NP';
}

/** Operand sizes that a form can have in code of `bits`, the default first. */
export function operandSizes(form: Form, bits: Bits): readonly (16 | 32 | 64)[] {
  if (bits !== 64) {
    if (!form.legacy) return [];
    return fixesOperandPrefix(form) ? [bits] : [bits, bits === 16 ? 32 : 16];
  }
  if (!form.long) return [];
  if (form.vexW !== '') return [form.vexW === 'W1' ? 64 : 32];
  if (form.longSize === 'f64') return [64];
  if (form.longSize === 'd64') return fixesOperandPrefix(form) ? [64] : [64, 16];
  return fixesOperandPrefix(form) ? [32, 64] : [32, 16, 64];
}

/**
 * Encodes one form. `operands` stand at the positions of `form.operands`; an implied operand may be
 * undefined. The caller has chosen a form that takes them; what has no encoding in spite of that
 * (AH beside REX, 16-bit addressing in 64-bit code) throws {@link AssemblerError}.
 */
export function encodeForm(
  form: Form,
  operands: readonly (Operand | undefined)[],
  options: EncodeOptions,
): Encoded {
  return new FormEncoder(form, operands, options).encode();
}

/** One run of {@link encodeForm}: collects register fields first, then writes the bytes. */
class FormEncoder {
  private readonly form: Form;
  private readonly operands: readonly (Operand | undefined)[];
  private readonly options: EncodeOptions;
  private readonly bytes: number[] = [];
  private readonly fixups: Fixup[] = [];
  private reg = 0;
  private rm = 0;
  private opcodeRegister = 0;
  private vvvv = 0;
  private memory: Memory | undefined;
  private addressing: Addressing | undefined;
  private addressBits: Bits;
  private segment: Register | undefined;

  constructor(form: Form, operands: readonly (Operand | undefined)[], options: EncodeOptions) {
    this.form = form;
    this.operands = operands;
    this.options = options;
    this.addressBits = options.addressBits ?? options.bits;
    this.segment = options.prefixes?.segment;
    this.reg = options.unusedReg ?? 0;
  }

  encode(): Encoded {
    const { form } = this;
    if (form.digit >= 0) this.reg = form.digit;
    if (form.rm >= 0) this.rm = form.rm;
    form.operands.forEach((spec, index) => this.collect(spec, this.operands[index]));
    this.writePrefixes();
    if (form.vex === '') this.bytes.push(...MAPS[form.map]);
    this.bytes.push(form.opcode | (this.opcodeRegister & 7));
    if (form.hasModrm) this.writeModrm();
    form.operands.forEach((spec, index) => this.writeImmediate(spec, this.operands[index]));
    this.settleConstants();
    return { bytes: this.bytes, fixups: this.fixups.filter((fixup) => !isSettled(fixup)) };
  }

  private collect(spec: OperandSpec, value: Operand | undefined): void {
    if (value === undefined || value instanceof Expression || value.kind === 'far') return;
    if (value.kind === 'memory') {
      this.segment = value.segment ?? this.segment;
      this.addressBits = addressBitsOf(value, this.options.bits);
      if (spec.location === Location.offset) return;
      this.memory = value;
      this.addressing = encodeAddressing(value, this.options.bits);
      return;
    }
    const { location } = spec;
    if (VEX_FIELD.has(location)) this.vvvv = value.number;
    else if (location === Location.opcodeGpr) this.opcodeRegister = value.number;
    else if (REG_FIELD.has(location)) this.reg = value.number;
    else if (RM_FIELD.has(location)) this.rm = value.number;
  }

  private writePrefixes(): void {
    const { form, options, bytes } = this;
    const { bits, operandSize, prefixes = {} } = options;
    if (prefixes.lock === true) bytes.push(0xf0);
    if (prefixes.repeat !== undefined) bytes.push(prefixes.repeat === 'repe' ? 0xf3 : 0xf2);
    if (this.segment !== undefined) bytes.push(SEGMENT_PREFIXES[this.segment.number] ?? 0x3e);
    if (this.addressBits !== bits) bytes.push(0x67);
    const defaultSize = bits === 64 ? (form.longSize === 'default' ? 32 : 64) : bits;
    const sized = !fixesOperandPrefix(form) && operandSize !== defaultSize;
    if (sized && !(bits === 64 && operandSize === 64)) bytes.push(0x66);
    const mandatory = form.prefix === 'NP' || form.prefix === 'NFx' ? '' : form.prefix;
    const rex = this.rex();
    if (form.vex !== '') {
      const pp = mandatory === '' ? 0 : mandatory === '66' ? 1 : mandatory === 'F3' ? 2 : 3;
      // R, X, B and vvvv are inverted (SDM vol. 2A, 2.3.5).
      bytes.push(0xc4, ((~rex & 7) << 5) | form.map);
      const wide = form.vexW === 'W1' ? 0x80 : (rex & 8) << 4;
      bytes.push(wide | ((~this.vvvv & 15) << 3) | (form.vex === '256' ? 4 : 0) | pp);
      return;
    }
    if (mandatory !== '') bytes.push(MANDATORY[mandatory]);
    if (rex !== 0) bytes.push(rex);
  }

  private rex(): number {
    const { form, options, addressing } = this;
    const { bits, operandSize } = options;
    const named = this.operands.flatMap((value) =>
      value instanceof Expression || value?.kind !== 'register' ? [] : [value],
    );
    const wide = bits === 64 && operandSize === 64 && form.longSize === 'default';
    const b = form.opcodeRegister ? this.opcodeRegister >= 8 : this.rm >= 8;
    const fields =
      (wide ? 8 : 0) |
      (form.digit < 0 && this.reg >= 8 ? 4 : 0) |
      (addressing?.rexX === true ? 2 : 0) |
      (b || addressing?.rexB === true ? 1 : 0);
    const needed = fields !== 0 || named.some((register) => register.needsRex);
    if (!needed) return 0;
    if (bits !== 64) throw this.bad('needs 64-bit code');
    if (named.some((register) => register.high)) throw this.bad('high byte register beside REX');
    return 0x40 | fields;
  }

  private writeModrm(): void {
    const { addressing, memory, bytes } = this;
    if (addressing === undefined || memory === undefined) {
      bytes.push(0xc0 | ((this.reg & 7) << 3) | (this.rm & 7));
      return;
    }
    bytes.push((addressing.mod << 6) | ((this.reg & 7) << 3) | addressing.rm);
    if (addressing.sib >= 0) bytes.push(addressing.sib);
    const { displacementBytes, displacementRange } = addressing;
    if (displacementBytes === 0) return;
    const extended = displacementBytes === 1 ? 'extended' : displacementRange;
    this.field(memory.displacement, displacementBytes, extended, this.addressBits);
  }

  private writeImmediate(spec: OperandSpec, value: Operand | undefined): void {
    const { bits, operandSize } = this.options;
    const { location } = spec;
    if (value === undefined) return;
    if (location === Location.farPointer && !(value instanceof Expression)) {
      if (value.kind !== 'far') return;
      this.field(value.offset, operandSize === 16 ? 2 : 4, 'plain', 32);
      this.field(value.selector, 2, 'plain', 16);
    } else if (location === Location.offset && !(value instanceof Expression)) {
      if (value.kind !== 'memory') return;
      this.field(value.displacement, this.addressBits / 8, 'plain', this.addressBits);
    } else if (!(value instanceof Expression)) {
      const isInImmediate = location === Location.immediateXmm && value.kind === 'register';
      if (isInImmediate) this.bytes.push(value.number << 4);
    } else if (location === Location.relative) {
      const width = bits === 64 ? 64 : operandSize;
      this.field(value, operandBytes(spec.size, operandSize), 'relative', width);
    } else if (location === Location.immediate) {
      this.field(value, operandBytes(spec.size, operandSize), ...immediateRange(spec, operandSize));
    }
  }

  private field(value: Expression, size: number, range: Range, width: Fixup['width']): void {
    this.fixups.push({ at: this.bytes.length, size, expression: value, range, width });
    for (let i = 0; i < size; i++) this.bytes.push(0);
  }

  /** Constants that do not depend on where the instruction stands are stored at once. */
  private settleConstants(): void {
    for (const fixup of this.fixups) {
      if (!isSettled(fixup)) continue;
      const { at, size, expression, range, width } = fixup;
      const value = fieldValue(expression.constant, size, range, width);
      if (value === undefined) {
        const reason = `value does not fit ${size * 8} bits of ${this.form.mnemonic}`;
        throw new AssemblerError('value-out-of-range', expression.toString(), reason);
      }
      storeField(this.bytes, at, size, value);
    }
  }

  private bad(reason: string): AssemblerError {
    const list = this.operands.flatMap((value) => (value === undefined ? [] : [value]));
    const text = `${this.form.mnemonic} ${list.map(formatOperand).join(', ')}`;
    return new AssemblerError('bad-operand', text.trim(), reason);
  }
}

/** How an immediate must fit at this operand size: SDM vol. 2A, 2.1.7 and 2.2.1.5. */
export function immediateRange(
  spec: OperandSpec,
  operandSize: 16 | 32 | 64,
): [range: Range, width: Fixup['width']] {
  if (spec.size === 'bs') return ['extended', operandSize];
  if (spec.size === 'z' && operandSize === 64) return ['extended', 64];
  return ['plain', 64];
}

function isSettled(fixup: Fixup): boolean {
  return fixup.expression.isConstant && fixup.range !== 'relative';
}

const VEX_FIELD: ReadonlySet<number> = new Set([Location.vexGpr, Location.vexXmm]);

const REG_FIELD: ReadonlySet<number> = new Set([
  Location.regGpr,
  Location.segment,
  Location.control,
  Location.debug,
  Location.regMm,
  Location.regXmm,
]);

const RM_FIELD: ReadonlySet<number> = new Set([
  Location.rmGpr,
  Location.rmGprOnly,
  Location.sti,
  Location.rmMm,
  Location.rmMmOnly,
  Location.rmXmm,
  Location.rmXmmOnly,
]);
