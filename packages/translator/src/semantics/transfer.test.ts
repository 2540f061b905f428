import { CpuState, SegmentField, SegmentRegister, segmentBytes } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { CalloutResult } from '../interpreter/handler-target.ts';
import { Callout } from './callout-numbers.ts';
import type { Case } from './test-cases.ts';
import { faultingPage, outcome } from './test-cases.ts';
import { codeAddress, TestMachine } from './test-machine.ts';

const data = 0x2000;
const top = 0x8000;

const stack: readonly Case[] = [
  ['push eax', { eax: 5 }, { esp: top - 4, memory: { [top - 4]: 5 } }],
  ['push esp', {}, { esp: top - 4, memory: { [top - 4]: top } }],
  ['push -2', {}, { esp: top - 4, memory: { [top - 4]: 0xfffffffe } }],
  ['push dword [esp+4]', { memory: { [top + 4]: 7 } }, { memory: { [top - 4]: 7 } }],
  ['push eax', { esp: faultingPage + 4 }, { esp: faultingPage + 4, fault: 14 }],
  ['pop eax', { memory: { [top]: 9 } }, { eax: 9, esp: top + 4 }],
  ['pop esp', { memory: { [top]: 9 } }, { esp: 9 }],
  ['pop dword [esp]', { memory: { [top]: 9 } }, { esp: top + 4, memory: { [top + 4]: 9 } }],
  ['pop dword [ebx]', { ebx: faultingPage }, { esp: top, fault: 14 }],
  [
    'pushad',
    { eax: 1, edi: 8 },
    { esp: top - 32, memory: { [top - 4]: 1, [top - 20]: top, [top - 32]: 8 } },
  ],
  [
    'popad',
    { memory: { [top + 28]: 1, [top + 12]: 4, [top]: 8 } },
    { eax: 1, edi: 8, esp: top + 32 },
  ],
  ['pushfd', { flags: 'zc' }, { memory: { [top - 4]: 0x43 } }],
  ['popfd', { memory: { [top]: 0x8d7 } }, { flags: 'oszapc', esp: top + 4 }],
  ['enter 16, 0', { ebp: 7 }, { ebp: top - 4, esp: top - 20, memory: { [top - 4]: 7 } }],
  [
    'enter 8, 2',
    { ebp: 0x7000, memory: { 0x6ffc: 5 } },
    {
      ebp: top - 4,
      esp: top - 20,
      memory: { [top - 4]: 0x7000, [top - 8]: 5, [top - 12]: top - 4 },
    },
  ],
  ['leave', { ebp: 0x7000, memory: { 0x7000: 3 } }, { ebp: 3, esp: 0x7004 }],
];

const control: readonly Case[] = [
  ['jmp 0x1234', {}, { eip: 0x1234 }],
  ['jmp eax', { eax: 0x1500 }, { eip: 0x1500 }],
  ['jmp dword [eax]', { eax: data, memory: { [data]: 0x1800 } }, { eip: 0x1800 }],
  ['jz 0x1100', { flags: 'z' }, { eip: 0x1100 }],
  ['jz 0x1100', {}, { eip: codeAddress + 6 }],
  ['jle 0x1010', { flags: 'o' }, { eip: 0x1010 }],
  ['call 0x1234', {}, { eip: 0x1234, esp: top - 4, memory: { [top - 4]: codeAddress + 5 } }],
  ['call eax', { eax: 0x1234 }, { eip: 0x1234, memory: { [top - 4]: codeAddress + 2 } }],
  ['ret', { memory: { [top]: 0x1300 } }, { eip: 0x1300, esp: top + 4 }],
  ['ret 8', { memory: { [top]: 0x1300 } }, { eip: 0x1300, esp: top + 12 }],
  ['loop 0x1010', { ecx: 2 }, { ecx: 1, eip: 0x1010 }],
  ['loop 0x1010', { ecx: 1 }, { ecx: 0, eip: codeAddress + 2 }],
  ['loopne 0x1010', { ecx: 5, flags: 'z' }, { ecx: 4, eip: codeAddress + 2 }],
  ['jecxz 0x1010', {}, { eip: 0x1010 }],
  ['bound eax, [ebx]', { eax: 5, ebx: data, memory: { [data]: 1, [data + 4]: 5 } }, { eax: 5 }],
  ['bound eax, [ebx]', { eax: -1, ebx: data, memory: { [data]: 1, [data + 4]: 5 } }, { fault: 5 }],
  ['ud2', {}, { fault: 6, eip: codeAddress }],
];

const strings: readonly Case[] = [
  [
    'movsd',
    { esi: data, edi: data + 64, memory: { [data]: 5 } },
    { esi: data + 4, memory: { [data + 64]: 5 } },
  ],
  [
    'rep movsb',
    { esi: data, edi: data + 64, ecx: 4, memory: { [data]: 0x01020304, [data + 64]: 0 } },
    { ecx: 0, esi: data + 4, edi: data + 68, memory: { [data + 64]: 0x01020304 } },
  ],
  [
    'rep movsb',
    { esi: data, edi: data + 1, ecx: 6, memory: { [data]: 0x00000007, [data + 4]: 0 } },
    { memory: { [data]: 0x07070707, [data + 4]: 0x00070707 } },
  ],
  [
    'rep movsd',
    { esi: data, edi: 0x3000, ecx: 0 },
    { ecx: 0, esi: data, edi: 0x3000, eip: codeAddress + 2 },
  ],
  [
    'rep movsd',
    { esi: 0x2ffc, edi: 0x5000, ecx: 3, memory: { 0x2ffc: 1, 0x3000: 2, 0x3004: 3 } },
    { ecx: 2, esi: 0x3000, eip: codeAddress, memory: { 0x5000: 1 } },
  ],
  [
    'rep movsd',
    { esi: 0x2ffc, edi: 0x5000, ecx: 3, memory: { 0x2ffc: 1, 0x3000: 2, 0x3004: 3 } },
    { ecx: 0, eip: codeAddress + 2, memory: { 0x5000: 1, 0x5004: 2, 0x5008: 3 } },
    2,
  ],
  [
    'rep movsw',
    { esi: data, edi: faultingPage - 3, ecx: 8 },
    { ecx: 7, esi: data + 2, edi: faultingPage - 1, fault: 14 },
    2,
  ],
  [
    'rep stosd',
    { edi: data, ecx: 2, eax: 0x01020304 },
    { edi: data + 8, ecx: 0, memory: { [data + 4]: 0x01020304 } },
  ],
  [
    'rep stosw',
    { edi: data, ecx: 3, eax: 0x55aa, memory: { [data + 4]: -1 } },
    { memory: { [data]: 0x55aa55aa, [data + 4]: 0xffff55aa } },
  ],
  ['lodsb', { esi: data, memory: { [data]: 0x99 } }, { eax: 0x99, esi: data + 1 }],
  [
    'repe cmpsb',
    { esi: data, edi: data + 16, ecx: 4, memory: { [data]: 0x00030201, [data + 16]: 0x00040201 } },
    { ecx: 1, esi: data + 3, flags: 'sapc' },
  ],
  [
    'repne scasb',
    { edi: data, ecx: 9, eax: 3, memory: { [data]: 0x00030201 } },
    { ecx: 6, edi: data + 3, flags: 'zp' },
  ],
  ['repne scasb', { edi: data, ecx: 0, flags: 'c' }, { ecx: 0, flags: 'c' }],
];

function run(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    const machine = new TestMachine();
    it.each(cases.map((item) => [item[0], item] as const))('%s', (_text, item) => {
      expect(outcome(machine, item)).toEqual(item[2]);
    });
  });
}

run('stack', stack);
run('control transfer', control);
run('strings', strings);

describe('16-bit code', () => {
  it('wraps effective addresses, stack and string indices at 64 KiB', () => {
    const machine = new TestMachine(16, false);
    machine.set('ebx', 0x1fffe);
    machine.set('esi', 0x12344);
    machine.ram.setUint8(0x2342, 0x77);
    machine.execute('mov al, [bx+si]');
    expect(machine.get('eax')).toBe(0x77);
    machine.set('esp', 0xdead0000);
    machine.execute('push ax');
    expect(machine.get('esp')).toBe(0xdeadfffe);
    machine.set('edi', 0x5555ffff);
    machine.execute('stosb');
    expect(machine.get('edi')).toBe(0x55550000);
  });

  it('truncates EIP after a near jump', () => {
    const machine = new TestMachine(16, false);
    machine.set('eax', 0x11234);
    machine.execute('jmp ax');
    expect(machine.eip).toBe(0x1234);
  });
});

describe('segments', () => {
  it('add their base and fault beyond their limit, with #SS for the stack', () => {
    const machine = new TestMachine(32, false);
    machine.setSegment(SegmentRegister.ds, 0x2000, 0xfff);
    machine.setSegment(SegmentRegister.ss, 0x4000, 0xfff);
    machine.ram.setInt32(0x2ffc, 5, true);
    machine.execute('mov eax, [0xffc]');
    expect(machine.get('eax')).toBe(5);
    machine.execute('mov eax, [0xffd]');
    expect(machine.fault).toBe(13);
    machine.set('ebp', 0xffe);
    machine.execute('mov eax, [ebp]');
    expect(machine.fault).toBe(12);
  });

  it('bound the bulk form of REP STOS as they bound its elements', () => {
    const machine = new TestMachine(32, false);
    machine.setSegment(SegmentRegister.es, 0x2000, 0x1f);
    machine.set('edi', 0x10);
    machine.set('ecx', 0x20);
    machine.execute('rep stosb');
    expect([machine.fault, machine.get('edi'), machine.get('ecx')]).toEqual([13, 0x20, 0x10]);
  });

  it('are loaded by a callout that then moves the stack pointer for POP', () => {
    const machine = new TestMachine();
    machine.ram.setInt32(top, 0xabcd0018 | 0, true);
    machine.execute('pop ds');
    const write = ((CpuState.gpr + 32) << 8) | 4;
    expect(machine.callouts).toEqual([[Callout.loadSegment, 3, 0x18, write]]);
    expect(machine.word(CpuState.transfer)).toBe(top + 4);
  });

  it('that fail to load leave the registers', () => {
    const machine = new TestMachine();
    machine.onCallout = () => {
      machine.setWord(CpuState.faultVector, 0x10d);
      machine.setWord(CpuState.exitReason, 1);
      return CalloutResult.leave;
    };
    machine.execute('pop es');
    expect([machine.fault, machine.get('esp')]).toEqual([13, top]);
    machine.set('eax', 1);
    machine.execute('les eax, [0x2000]');
    expect([machine.fault, machine.get('eax')]).toEqual([13, 1]);
  });

  it('give their selector zero-extended to 32-bit registers', () => {
    const machine = new TestMachine();
    const fs = CpuState.segments + segmentBytes * SegmentRegister.fs + SegmentField.selector;
    machine.setWord(fs, 0x33);
    machine.set('eax', -1);
    machine.execute('mov eax, fs');
    expect(machine.get('eax')).toBe(0x33);
  });
});

describe('callouts', () => {
  const calls: readonly (readonly [string, readonly number[]])[] = [
    ['int 0x80', [Callout.interrupt, 0x80, 0, 0]],
    ['int3', [Callout.interrupt, 3, 1, 0]],
    ['iret', [Callout.interruptReturn, 32, 0, 0]],
    ['jmp 0x10:0x1234', [Callout.farJump, 0x10, 0x1234, 32]],
    ['retf 4', [Callout.farReturn, 4, 0, 32]],
    ['in al, 0x60', [Callout.portIn, 0x60, 1, 0]],
    ['out dx, eax', [Callout.portOut, 0x3f8, 4, 9]],
    ['mov cr3, eax', [Callout.writeControl, 3, 9, 0]],
    ['lgdt [0x2000]', [Callout.loadDescriptorTable, 0, 0x27, 0x12345]],
    ['lldt ax', [Callout.loadSystem, 0, 9, 0]],
    ['hlt', [Callout.halt, 0, 0, 0]],
    ['sti', [Callout.interruptFlag, 1, 0, 0]],
  ];
  it.each(calls)('%s', (text, call) => {
    const machine = new TestMachine();
    machine.set('eax', 9);
    machine.set('edx', 0x3f8);
    machine.ram.setInt32(0x2000, 0x2345_0027, true);
    machine.ram.setInt32(0x2004, 1, true);
    machine.execute(text);
    expect(machine.callouts).toEqual([call]);
  });

  it('are not made by privileged instructions outside of ring 0', () => {
    const machine = new TestMachine();
    machine.setWord(CpuState.cpl, 3);
    machine.execute('mov eax, cr0');
    expect([machine.fault, machine.callouts.length]).toEqual([13, 0]);
  });

  it('are not needed for CLI where IOPL allows it', () => {
    const machine = new TestMachine();
    machine.flags = 0x202;
    machine.execute('cli');
    expect([machine.flags, machine.callouts.length]).toEqual([2, 0]);
  });

  it('are made by POPF that enables interrupts', () => {
    const machine = new TestMachine();
    machine.ram.setInt32(top, 0x202, true);
    machine.execute('popfd');
    const write = ((CpuState.gpr + 32) << 8) | 4;
    expect(machine.callouts).toEqual([[Callout.popFlags, 32, 0x202, write]]);
    expect(machine.word(CpuState.transfer)).toBe(top + 4);
  });
});
