import type { Form, MandatoryPrefix } from './form.ts';

/** The fields of a {@link Form} that its encoding column decides. */
export type Encoding = Pick<
  Form,
  | 'encoding'
  | 'map'
  | 'opcode'
  | 'prefix'
  | 'vex'
  | 'vexW'
  | 'opcodeRegister'
  | 'hasModrm'
  | 'digit'
  | 'mod'
  | 'rm'
>;

const PREFIXES: ReadonlySet<string> = new Set(['NP', 'NFx', '66', 'F3', 'F2']);

/**
 * Parses an encoding column, with `condition` added to the opcode where it says `+cc`.
 *
 * Grammar, as in SDM vol. 2A, 3.1.1.1: `[NP|NFx|66|F3|F2] [0F [38|3A]] opcode[+r|+cc]
 * [modrm[+i]] [/digit|/r] [11B|!11B]`. A second opcode byte after the map is a ModRM byte with
 * fixed fields; `+i` leaves its rm free. `11B` and `!11B` restrict ModRM.mod to registers or
 * memory.
 *
 * With a VEX prefix (SDM vol. 2A, 3.1.1.2) prefix and map stand in it:
 * `VEX.(LZ|LIG|128|256)[.66|.F3|.F2].0F[38|3A][.W0|.W1] opcode ...`. Where VEX.W is not said it is
 * ignored, or chooses the operand size in 64-bit code.
 */
export function parseEncoding(source: string, condition: number): Encoding {
  const fields = source.startsWith('VEX.') ? vexFields(source) : undefined;
  const tokens = (fields?.legacy ?? source).split(/\s+/);
  let prefix: MandatoryPrefix = '';
  const bytes: string[] = [];
  let digit = -1;
  let hasModrm = false;
  let mod: Form['mod'] = 'any';
  tokens.forEach((token, position) => {
    const mandatory = position === 0 && tokens.length > 1 && PREFIXES.has(token);
    if (mandatory) prefix = token as MandatoryPrefix;
    else if (token === '11B') mod = 'register';
    else if (token === '!11B') mod = 'memory';
    else if (token === '/r') hasModrm = true;
    else if (/^\/[0-7]$/.test(token)) {
      hasModrm = true;
      digit = Number(token.slice(1));
    } else if (/^[0-9A-F]{2}(\+r|\+cc|\+i)?$/.test(token)) bytes.push(token);
    else throw new Error(`isa: unknown token ${token} in encoding ${source}`);
  });
  let map: Form['map'] = 0;
  if (bytes[0] === '0F' && bytes.length > 1) {
    const second = bytes[1];
    map = second === '38' && bytes.length > 2 ? 2 : second === '3A' && bytes.length > 2 ? 3 : 1;
    bytes.splice(0, map === 1 ? 1 : 2);
  }
  const [first = '', fixed] = bytes;
  const addend = first.endsWith('+cc') ? condition : 0;
  const opcode = parseInt(first, 16) + addend;
  let rm = -1;
  if (fixed !== undefined) {
    const modrm = parseInt(fixed, 16);
    hasModrm = true;
    mod = 'register';
    digit = (modrm >> 3) & 7;
    rm = fixed.endsWith('+i') ? -1 : modrm & 7;
    if (modrm < 0xc0) throw new Error(`isa: second opcode byte under C0 in ${source}`);
  }
  if (bytes.length < 1 || bytes.length > 2) throw new Error(`isa: no opcode in ${source}`);
  const encoding = source.replace(first, first.replace(/..\+cc$/, hex(opcode)));
  const opcodeRegister = first.endsWith('+r');
  const { vex, vexW } = fields ?? noVex;
  return { encoding, map, opcode, prefix, vex, vexW, opcodeRegister, hasModrm, digit, mod, rm };
}

const noVex = { vex: '', vexW: '' } as const;

/** The fields of a VEX prefix, and the legacy encoding with the same prefix and map. */
function vexFields(source: string): Pick<Form, 'vex' | 'vexW'> & { readonly legacy: string } {
  const pattern = /^VEX\.(LZ|LIG|128|256)(?:\.(66|F3|F2))?\.0F(38|3A)?(?:\.(W[01]))? (.*)$/;
  const fields = pattern.exec(source);
  if (fields === null) throw new Error(`isa: unknown VEX prefix in encoding ${source}`);
  const [, length, prefix = 'NP', map = '', wide = '', rest = ''] = fields;
  const legacy = `${prefix} 0F ${map} ${rest}`.replace('  ', ' ');
  // The pattern has these alternatives only.
  return { vex: length as Form['vex'], vexW: wide as Form['vexW'], legacy };
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}
