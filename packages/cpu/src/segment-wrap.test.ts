/** Accesses that go round the end of flat segments, as an AMD EPYC does them (SDM 3A 5.3). */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu, writeTables } from './test-cpu.ts';

const code = 0x1000;
const handler = 0x1800;
const gates = 0x2000;
const table = 0x3000;
const none = 0;
const stackFault = 12;
const generalProtection = 13;

/** The vector that an instruction ends with; EBX is 0xffff_fffe, FS and GS have base 0x2000. */
function vector(text: string, esp: number, accel: 'interpreter' | 'translator'): number {
  const { cpu, physical, machine } = makeCpu(1 << 20, accel);
  physical.write(code, assembleText(`${text}\nhlt`, { bits: 32, origin: code }));
  const handlers = [stackFault, generalProtection].map((number) => {
    const at = handler + 16 * number;
    physical.write(at, assembleText(`mov eax, ${number}\nhlt`, { bits: 32, origin: at }));
    return [number, at] as const;
  });
  writeTables(physical, { gates, table }, handlers);
  const initial = flatState(code, esp);
  const based = { ...initial.fs, base: 0x2000 };
  cpu.start({
    ...initial,
    gpr: [0, 0, 0, -2, esp, -2, 0, 0],
    fs: based,
    gs: based,
    gdtr: { base: table, limit: 0x1f },
    idtr: { base: gates, limit: 0x7ff },
  });
  let end = cpu.run(1000);
  for (let again = 0; end === 'budget' && again < 20; again++) end = cpu.run(1000);
  if (end === 'tripleFault') return -1;
  expect(end).toBe('halt');
  const eip = machine.i32[Word.rip] ?? 0;
  return eip < handler ? none : (machine.i32[Word.gpr] ?? 0);
}

describe.each(['interpreter', 'translator'] as const)('the end of a flat segment, %s', (accel) => {
  it.each([
    ['mov ecx, [ebx]', generalProtection],
    ['mov [ebx], ecx', generalProtection],
    ['mov ecx, [0xfffffffd]', generalProtection],
    ['mov cx, [0xffffffff]', generalProtection],
    ['add [ebx], ecx', generalProtection],
    ['movups xmm0, [ebx - 8]', generalProtection],
    ['fld qword [ebx - 4]', generalProtection],
    ['mov ecx, [ebp]', stackFault],
    ['push dword [ebx]', generalProtection],
    ['ss mov ecx, [ebx]', stackFault],
    ['mov ecx, [0xfffffffc]', none],
    ['mov cx, [ebx]', none],
    ['fs mov ecx, [ebx]', generalProtection],
    ['fs mov ecx, [ebx - 0x2000]', none],
  ])('is where %s ends with %i', (text, expected) => {
    expect(vector(text, 0x8000, accel)).toBe(expected);
  });

  it('is the end of the stack too, where no frame can be pushed', () => {
    expect(vector('pop ecx', -2, accel)).toBe(stackFault);
    expect(vector('push ecx', 2, accel)).toBe(-1);
  });
});
