import { WINDOW } from './layout.ts';
import type { MachineState } from './machine-state.ts';
import type { VectorCase, VectorFault } from './vector-file.ts';

const GPR_NAMES = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];

/**
 * How a state differs from what the processor made: one line for each register, none if equal.
 *
 * Undefined flags, x87 instruction and operand pointers, reserved fields of the FXSAVE image and
 * bytes in `ignored` are not looked at.
 */
export function differences(
  vector: VectorCase,
  actual: MachineState,
  fault: VectorFault | undefined,
): string[] {
  const { after } = vector;
  const found: string[] = [];
  const check = (name: string, want: number, have: number, mask: number = 0xffffffff): void => {
    if (((want ^ have) & mask) === 0) return;
    found.push(`${name}: ${hex(have & mask)}, expected ${hex(want & mask)}`);
  };
  if (describe(fault) !== describe(vector.fault)) {
    found.push(`${describe(fault)}, expected ${describe(vector.fault)}`);
  }
  GPR_NAMES.forEach((name, number) => check(name, after.gpr(number), actual.gpr(number)));
  check('eip', after.eip, actual.eip);
  check('eflags', after.eflags, actual.eflags, vector.flagsMask);
  SEGMENT_NAMES.forEach((name, at) => check(name, after.segment(at), actual.segment(at)));
  check('fcw', after.controlWord, actual.controlWord);
  check('fsw', after.statusWord, actual.statusWord, vector.statusMask);
  check('tags', after.tags, actual.tags);
  check('mxcsr', after.mxcsr, actual.mxcsr);
  for (let index = 0; index < 8; index++) {
    checkBytes(found, `st${index}`, after.st(index), actual.st(index));
    checkBytes(found, `xmm${index}`, after.xmm(index), actual.xmm(index));
    checkBytes(found, `ymm${index}'s upper half`, after.ymmHigh(index), actual.ymmHigh(index));
  }
  checkMemory(found, vector, actual);
  return found;
}

function checkBytes(found: string[], name: string, want: Uint8Array, have: Uint8Array): void {
  if (want.every((byte, at) => byte === have[at])) return;
  found.push(`${name}: ${hexBytes(have)}, expected ${hexBytes(want)}`);
}

function checkMemory(found: string[], vector: VectorCase, actual: MachineState): void {
  const want = vector.after.memory;
  const have = actual.memory;
  for (let at = 0; at < want.length; at++) {
    if (want[at] === have[at]) continue;
    const skip = vector.ignored.find(({ offset, length }) => at >= offset && at < offset + length);
    if (skip !== undefined) continue;
    const expected = hexBytes(want.subarray(at, at + 16));
    const bytes = hexBytes(have.subarray(at, at + 16));
    found.push(`memory from ${hex(WINDOW + at)}: ${bytes}, expected ${expected}`);
    return;
  }
}

function describe(fault: VectorFault | undefined): string {
  if (fault === undefined) return 'no fault';
  return `fault ${fault.vector} error ${hex(fault.error)} address ${hex(fault.address)}`;
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** High byte first, as registers are written. */
function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .reverse()
    .join('');
}
