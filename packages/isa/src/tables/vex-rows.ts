/**
 * AVX forms of what SSE has: rows are made of the rows of SSE (SDM vol. 1, 14.1 to 14.3).
 *
 * The opcode, its map and its mandatory prefix stay as they are, in a VEX prefix; an operand that
 * is read and written becomes a destination and a source in VEX.vvvv; most of them have a form of
 * 256 bits, whose operands are twice as wide.
 */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Scalars of floating point: VEX.L is ignored. */
const scalars = words(`
SQRTSS SQRTSD ADDSS ADDSD MULSS MULSD SUBSS SUBSD MINSS MINSD DIVSS DIVSD MAXSS MAXSD RSQRTSS RCPSS
UCOMISS UCOMISD COMISS COMISD CMPSS CMPSD CVTSI2SS CVTSI2SD CVTTSS2SI CVTTSD2SI CVTSS2SI CVTSD2SI
CVTSS2SD CVTSD2SS ROUNDSS ROUNDSD`);

/** Of 128 bits only: VEX.L must be 0. */
const short = words(`
MOVD MOVQ PINSRB PINSRW PINSRD PEXTRB PEXTRW PEXTRD EXTRACTPS INSERTPS PCMPESTRM PCMPESTRI PCMPISTRM
PCMPISTRI AESIMC AESKEYGENASSIST PHMINPOSUW DPPD MOVLPS MOVLPD MOVHPS MOVHPD MOVHLPS MOVLHPS LDMXCSR
STMXCSR MASKMOVDQU`);

/** Written by hand in avx.ts: they differ in more than the prefix. */
const special = words('MOVSS MOVSD PBLENDVB BLENDVPS BLENDVPD');

/** The destination of 256 bits is as wide as that of 128. */
const narrowing = words('CVTPD2PS CVTPD2DQ CVTTPD2DQ');

/** The count of a shift is in an XMM register or 128 bits of memory, whatever is shifted. */
const counted = words('PSLLW PSLLD PSLLQ PSRLW PSRLD PSRLQ PSRAW PSRAD');

/** Of an operand of 256 bits, by what it is with 128. */
const doubled: Readonly<Record<string, string>> = { dq: 'qq', q: 'dq', d: 'q', w: 'd' };

/** The rows of AVX, AVX2, VAES and VPCLMULQDQ that these tables of SSE give. */
export function vexRows(tables: readonly string[]): string {
  const rows = tables.flatMap((table) => table.split('\n'));
  return rows.flatMap((row) => rowsOf(row)).join('\n');
}

function rowsOf(row: string): string[] {
  const columns = row.split('|').map((column) => column.trim());
  const [names = '', operandText = '', encoding = '', attributes = '', flags = ''] = columns;
  const name = names.split('/')[0] ?? '';
  const operands = operandText.split(',').map((text) => text.trim());
  const hasMmx = operands.some((text) => /^[PQN]/.test(text));
  if (columns.length !== 6 || hasMmx || special.has(name)) return [];
  const vexNames = names.replaceAll(/[^/]+/g, 'V$&');
  const make = (length: string, list: readonly string[], feature: string): string =>
    [vexNames, list.join(', '), vexEncoding(encoding, length), attributes, flags, feature].join(
      ' | ',
    );
  const separate = separated(operands);
  if (scalars.has(name)) return [make('LIG', separate, 'AVX')];
  const first = make('128', separate, 'AVX');
  if (short.has(name)) return [first];
  return [first, make('256', widened(name, separate), wideFeature(name))];
}

/** `66 0F 38 00 /r` as `VEX.128.66.0F38 00 /r`. */
function vexEncoding(encoding: string, length: string): string {
  const match = /^(NP|66|F3|F2) 0F (?:(38|3A) )?(.*)$/.exec(encoding);
  if (match === null) throw new Error(`isa: no VEX encoding of ${encoding}`);
  const [, prefix = '', map = '', rest = ''] = match;
  return `VEX.${length}${prefix === 'NP' ? '' : `.${prefix}`}.0F${map} ${rest}`;
}

/** A vector register that is read and written becomes two operands. */
function separated(operands: readonly string[]): string[] {
  const [first = '', ...rest] = operands;
  if (first === 'Vdq:rw') return ['Vdq:w', 'Hdq', ...rest];
  if (first === 'Udq:rw') return ['Hdq:w', 'Udq', ...rest];
  return [...operands];
}

function widened(name: string, operands: readonly string[]): string[] {
  return operands.map((text) => {
    const match = /^([VHWUM])(dq|q|d|w)(:r?w)?$/.exec(text);
    if (match === null) return text;
    const [, letter = '', size = '', role = ''] = match;
    if (letter === 'V' && role === ':w' && narrowing.has(name)) return text;
    if (letter === 'W' && counted.has(name)) return text;
    return letter + (name === 'MOVDDUP' ? 'qq' : (doubled[size] ?? size)) + role;
  });
}

function wideFeature(name: string): string {
  if (name.startsWith('AES')) return 'VAES';
  if (name === 'PCLMULQDQ') return 'VPCLMULQDQ';
  const isInteger = name.startsWith('P') || name === 'MPSADBW' || name === 'MOVNTDQA';
  return isInteger && name !== 'PTEST' ? 'AVX2' : 'AVX';
}
