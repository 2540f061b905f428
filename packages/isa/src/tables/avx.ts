import { aesPclmul } from './aes-pclmul.ts';
import { sse } from './sse.ts';
import { sse2 } from './sse2.ts';
import { sse3Ssse3 } from './sse3-ssse3.ts';
import { sse4 } from './sse4.ts';
import { vexRows } from './vex-rows.ts';

/**
 * AVX, AVX2, F16C and FMA beyond what SSE has: SDM vol. 1, 5.13 to 5.15 and 14; opcodes from
 * vol. 2D, A.3. A row with `x` stands for two: 128 bits (`dq`) with the first feature, and 256
 * (`qq`) with the second, where there are two.
 */
const rows = `
VZEROUPPER | | VEX.128.0F 77 |  |  | AVX
VZEROALL   | | VEX.256.0F 77 |  |  | AVX

VMOVSS | Vdq:w, Hdq, Ud | VEX.LIG.F3.0F 10 /r |  |  | AVX
VMOVSS | Vdq:w, Md      | VEX.LIG.F3.0F 10 /r |  |  | AVX
VMOVSS | Ud:w, Hdq, Vdq | VEX.LIG.F3.0F 11 /r |  |  | AVX
VMOVSS | Md:w, Vdq      | VEX.LIG.F3.0F 11 /r |  |  | AVX
VMOVSD | Vdq:w, Hdq, Uq | VEX.LIG.F2.0F 10 /r |  |  | AVX
VMOVSD | Vdq:w, Mq      | VEX.LIG.F2.0F 10 /r |  |  | AVX
VMOVSD | Uq:w, Hdq, Vdq | VEX.LIG.F2.0F 11 /r |  |  | AVX
VMOVSD | Mq:w, Vdq      | VEX.LIG.F2.0F 11 /r |  |  | AVX

VBLENDVPS    | Vx:w, Hx, Wx, Lx    | VEX.x.66.0F3A.W0 4A /r   |  |             | AVX
VBLENDVPD    | Vx:w, Hx, Wx, Lx    | VEX.x.66.0F3A.W0 4B /r   |  |             | AVX
VPBLENDVB    | Vx:w, Hx, Wx, Lx    | VEX.x.66.0F3A.W0 4C /r   |  |             | AVX AVX2
VPERMILPS    | Vx:w, Hx, Wx        | VEX.x.66.0F38.W0 0C /r   |  |             | AVX
VPERMILPS    | Vx:w, Wx, Ib        | VEX.x.66.0F3A.W0 04 /r   |  |             | AVX
VPERMILPD    | Vx:w, Hx, Wx        | VEX.x.66.0F38.W0 0D /r   |  |             | AVX
VPERMILPD    | Vx:w, Wx, Ib        | VEX.x.66.0F3A.W0 05 /r   |  |             | AVX
VTESTPS      | Vx, Wx              | VEX.x.66.0F38.W0 0E /r   |  | w:zc 0:osap | AVX
VTESTPD      | Vx, Wx              | VEX.x.66.0F38.W0 0F /r   |  | w:zc 0:osap | AVX
VMASKMOVPS   | Vx:w, Hx, Mx        | VEX.x.66.0F38.W0 2C /r   |  |             | AVX
VMASKMOVPD   | Vx:w, Hx, Mx        | VEX.x.66.0F38.W0 2D /r   |  |             | AVX
VMASKMOVPS   | Mx:w, Hx, Vx        | VEX.x.66.0F38.W0 2E /r   |  |             | AVX
VMASKMOVPD   | Mx:w, Hx, Vx        | VEX.x.66.0F38.W0 2F /r   |  |             | AVX
VBROADCASTSS | Vx:w, Md            | VEX.x.66.0F38.W0 18 /r   |  |             | AVX
VBROADCASTSD | Vqq:w, Mq           | VEX.256.66.0F38.W0 19 /r |  |             | AVX
VBROADCASTF128 | Vqq:w, Mdq        | VEX.256.66.0F38.W0 1A /r |  |             | AVX
VPERM2F128   | Vqq:w, Hqq, Wqq, Ib | VEX.256.66.0F3A.W0 06 /r |  |             | AVX
VINSERTF128  | Vqq:w, Hqq, Wdq, Ib | VEX.256.66.0F3A.W0 18 /r |  |             | AVX
VEXTRACTF128 | Wdq:w, Vqq, Ib      | VEX.256.66.0F3A.W0 19 /r |  |             | AVX

VBROADCASTSS | Vx:w, Ud            | VEX.x.66.0F38.W0 18 /r   |  |  | AVX2
VBROADCASTSD | Vqq:w, Uq           | VEX.256.66.0F38.W0 19 /r |  |  | AVX2
VBROADCASTI128 | Vqq:w, Mdq        | VEX.256.66.0F38.W0 5A /r |  |  | AVX2
VPBROADCASTB | Vx:w, Wb            | VEX.x.66.0F38.W0 78 /r   |  |  | AVX2
VPBROADCASTW | Vx:w, Ww            | VEX.x.66.0F38.W0 79 /r   |  |  | AVX2
VPBROADCASTD | Vx:w, Wd            | VEX.x.66.0F38.W0 58 /r   |  |  | AVX2
VPBROADCASTQ | Vx:w, Wq            | VEX.x.66.0F38.W0 59 /r   |  |  | AVX2
VPERMD       | Vqq:w, Hqq, Wqq     | VEX.256.66.0F38.W0 36 /r |  |  | AVX2
VPERMPS      | Vqq:w, Hqq, Wqq     | VEX.256.66.0F38.W0 16 /r |  |  | AVX2
VPERMQ       | Vqq:w, Wqq, Ib      | VEX.256.66.0F3A.W1 00 /r |  |  | AVX2
VPERMPD      | Vqq:w, Wqq, Ib      | VEX.256.66.0F3A.W1 01 /r |  |  | AVX2
VPERM2I128   | Vqq:w, Hqq, Wqq, Ib | VEX.256.66.0F3A.W0 46 /r |  |  | AVX2
VINSERTI128  | Vqq:w, Hqq, Wdq, Ib | VEX.256.66.0F3A.W0 38 /r |  |  | AVX2
VEXTRACTI128 | Wdq:w, Vqq, Ib      | VEX.256.66.0F3A.W0 39 /r |  |  | AVX2
VPBLENDD     | Vx:w, Hx, Wx, Ib    | VEX.x.66.0F3A.W0 02 /r   |  |  | AVX2
VPMASKMOVD   | Vx:w, Hx, Mx        | VEX.x.66.0F38.W0 8C /r   |  |  | AVX2
VPMASKMOVQ   | Vx:w, Hx, Mx        | VEX.x.66.0F38.W1 8C /r   |  |  | AVX2
VPMASKMOVD   | Mx:w, Hx, Vx        | VEX.x.66.0F38.W0 8E /r   |  |  | AVX2
VPMASKMOVQ   | Mx:w, Hx, Vx        | VEX.x.66.0F38.W1 8E /r   |  |  | AVX2
VPSRLVD      | Vx:w, Hx, Wx        | VEX.x.66.0F38.W0 45 /r   |  |  | AVX2
VPSRLVQ      | Vx:w, Hx, Wx        | VEX.x.66.0F38.W1 45 /r   |  |  | AVX2
VPSRAVD      | Vx:w, Hx, Wx        | VEX.x.66.0F38.W0 46 /r   |  |  | AVX2
VPSLLVD      | Vx:w, Hx, Wx        | VEX.x.66.0F38.W0 47 /r   |  |  | AVX2
VPSLLVQ      | Vx:w, Hx, Wx        | VEX.x.66.0F38.W1 47 /r   |  |  | AVX2
VPGATHERDD   | Vx:rw, Tx/Md, Hx:rw    | VEX.x.66.0F38.W0 90 /r |  |  | AVX2
VPGATHERDQ   | Vx:rw, Tdq/Mq, Hx:rw   | VEX.x.66.0F38.W1 90 /r |  |  | AVX2
VPGATHERQD   | Vdq:rw, Tx/Md, Hdq:rw  | VEX.x.66.0F38.W0 91 /r |  |  | AVX2
VPGATHERQQ   | Vx:rw, Tx/Mq, Hx:rw    | VEX.x.66.0F38.W1 91 /r |  |  | AVX2
VGATHERDPS   | Vx:rw, Tx/Md, Hx:rw    | VEX.x.66.0F38.W0 92 /r |  |  | AVX2
VGATHERDPD   | Vx:rw, Tdq/Mq, Hx:rw   | VEX.x.66.0F38.W1 92 /r |  |  | AVX2
VGATHERQPS   | Vdq:rw, Tx/Md, Hdq:rw  | VEX.x.66.0F38.W0 93 /r |  |  | AVX2
VGATHERQPD   | Vx:rw, Tx/Mq, Hx:rw    | VEX.x.66.0F38.W1 93 /r |  |  | AVX2

VCVTPH2PS | Vdq:w, Wq      | VEX.128.66.0F38.W0 13 /r |  |  | F16C
VCVTPH2PS | Vqq:w, Wdq     | VEX.256.66.0F38.W0 13 /r |  |  | F16C
VCVTPS2PH | Wq:w, Vdq, Ib  | VEX.128.66.0F3A.W0 1D /r |  |  | F16C
VCVTPS2PH | Wdq:w, Vqq, Ib | VEX.256.66.0F3A.W0 1D /r |  |  | F16C
`;

/** The low half of the opcode of each operation of FMA, packed; its scalar form is one more. */
const fused: readonly (readonly [name: string, opcode: number, hasScalar: boolean])[] = [
  ['FMADDSUB', 0x6, false],
  ['FMSUBADD', 0x7, false],
  ['FMADD', 0x8, true],
  ['FMSUB', 0xa, true],
  ['FNMADD', 0xc, true],
  ['FNMSUB', 0xe, true],
];

/** FMA: the order of its operands is the high half of the opcode. */
function fusedRows(): string {
  const made: string[] = [];
  for (const [high, order] of [
    ['9', '132'],
    ['A', '213'],
    ['B', '231'],
  ] as const) {
    for (const [name, low, hasScalar] of fused) {
      const opcode = (more: number): string => high + (low + more).toString(16).toUpperCase();
      for (const [letter, size, wide] of [
        ['S', 'd', 'W0'],
        ['D', 'q', 'W1'],
      ] as const) {
        const packed = `VEX.x.66.0F38.${wide} ${opcode(0)} /r`;
        made.push(`V${name}${order}P${letter} | Vx:rw, Hx, Wx | ${packed} | | | FMA`);
        const scalar = `VEX.LIG.66.0F38.${wide} ${opcode(1)} /r`;
        if (!hasScalar) continue;
        made.push(`V${name}${order}S${letter} | Vdq:rw, Hdq, W${size} | ${scalar} | | | FMA`);
      }
    }
  }
  return made.join('\n');
}

/** Rows with `x` as rows of 128 and of 256 bits. */
function bothLengths(table: string): string {
  const lines = table.split('\n').flatMap((line) => {
    if (!line.includes('VEX.x.')) return [line];
    const at = line.lastIndexOf('|') + 1;
    const features = line.slice(at).trim().split(' ');
    const row = (length: string, size: string, feature: string): string =>
      `${line.slice(0, at).replace('VEX.x.', `VEX.${length}.`).replaceAll(/\b([VHWMLT])x/g, `$1${size}`)} ${feature}`;
    const [first = '', second = first] = features;
    return [row('128', 'dq', first), row('256', 'qq', second)];
  });
  return lines.join('\n');
}

/** AVX, AVX2, VAES, VPCLMULQDQ, F16C and FMA. */
export const avx: string = [
  vexRows([sse, sse2, sse3Ssse3, sse4, aesPclmul]),
  bothLengths(rows),
  bothLengths(fusedRows()),
].join('\n');
