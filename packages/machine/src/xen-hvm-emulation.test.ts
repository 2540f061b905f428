/**
 * What a small kernel with translated memory finds when it has its instructions emulated by the
 * prefix of forced emulation, and when it has not: both are to do the same. Without paging, with
 * pages of 4 MiB, and with PAE; the topics are those of Xen's advisories on its emulator.
 */
import { hvmTestKernel } from './test-hvm-kernel.ts';
import { asProgram, forced, hvmChecks, pagingModes, programs } from './test-hvm-pieces.ts';
import { describeChecks } from './test-xen-checks.ts';
import type { NamedChecks } from './test-xen-checks.ts';

const { faults, leaves } = hvmChecks;

const notPresent = 11;
const stackFault = 12;
const generalProtection = 13;
const invalidOpcode = 6;

/** Code as it is, and with its first instruction forced. */
const bothWays = (instruction: string, check: (code: string) => string): readonly string[] => [
  check(instruction),
  check(`${forced}\n${instruction}`),
];
/** What must fault so, by itself and forced. */
const faultsBothWays = (code: string, vector: number, error = 0): readonly string[] =>
  bothWays(code, (one) => faults(one, vector, error));
const leavesBothWays = (
  code: string,
  register: string,
  value: number | string,
  before = '',
): readonly string[] => bothWays(code, (one) => leaves(`${before}\n${one}`, register, value));

/** Instructions that interrupt, their vectors, and whether a gate's level matters. */
const interrupts = [
  ['        int3', 3, true],
  ['        db 0xcd, 3', 3, true],
  ['        db 0xf1', 1, false],
  ['        db 0xcd, 1', 1, true],
  ['        into', 4, true],
  ['        db 0xcd, 4', 4, true],
] as const;

/** The third byte of a gate and the one behind it. */
const setGate = (vector: number, access: number): string =>
  `        mov byte [idt + ${vector * 8 + 5}], ${access}`;
const gate = { forAll: 0xee, forKernel: 0x8e, absent: 0x6e } as const;

/** Sets the overflow flag, which INTO looks at, in the kernel. */
const overflow = '        mov al, 0x7f\n        add al, 1';

const interruptChecks = interrupts.flatMap(([instruction, vector, isByProgram]) => {
  const error = vector * 8 + 2 + (isByProgram ? 0 : 1);
  const refused = isByProgram
    ? ([generalProtection, vector * 8 + 2] as const)
    : ([vector, 0] as const);
  const ways: readonly (readonly [string, string])[] = [
    ['', instruction],
    ['', `${forced}\n${instruction}`],
  ];
  return ways.flatMap(([, code]) => [
    setGate(vector, gate.forKernel),
    faults(`${overflow}\n${code}`, vector),
    faults(asProgram(code, 0x802), refused[0], refused[1]),
    setGate(vector, gate.absent),
    faults(`${overflow}\n${code}`, notPresent, error),
    // A level that is too low is found before that nothing is there.
    faults(asProgram(code, 0x802), notPresent, error),
    setGate(vector, gate.absent & ~0x60),
    faults(
      asProgram(code, 0x802),
      isByProgram ? generalProtection : notPresent,
      isByProgram ? vector * 8 + 2 : error,
    ),
    setGate(vector, gate.forAll),
    faults(asProgram(code, 0x802), vector),
    setGate(vector, gate.forKernel),
  ]);
});

/** What only the kernel may do, as programs try it. */
const privileged: readonly string[] = [
  'hlt',
  'cli',
  'lgdt [argument]',
  'lidt [argument]',
  'lldt ax',
  'ltr ax',
  'lmsw ax',
  'clts',
  'invlpg [0]',
  'invd',
  'wbinvd',
  'mov eax, cr0',
  'mov cr3, eax',
  'mov eax, dr7',
  'mov dr0, eax',
  'rdmsr',
  'wrmsr',
  'in al, 0x60',
  'out 0x60, al',
  'rdpmc',
].map((line) => `        ${line}`);

/** Instructions with a stack of 4 KiB, EBP 0xffe and ESP 0x1002, and how they fault. */
const shortStack = [
  ['mov eax, [ebp]', stackFault],
  ['mov eax, [ds:ebp]', invalidOpcode],
  ['mov eax, [fs:ebp]', generalProtection],
  ['mov eax, [ss:eax + 0xfff]', stackFault],
  ['push eax', stackFault],
  ['pop eax', stackFault],
  ['inc byte [ebp]', invalidOpcode],
  ['call [ebp]', stackFault],
  ['enter 0, 0', stackFault],
  ['leave', stackFault],
] as const;

const checks: NamedChecks = {
  'software interrupts, by the state of their gates': [programs, ...interruptChecks],
  "no rights of programs to what is the kernel's": [
    programs,
    ...privileged.flatMap((line) =>
      [line, `${forced}\n${line}`].map((code) => faults(asProgram(code), generalProtection)),
    ),
  ],
  'null segments, as they are at the start and after an LDT went away': [
    '        xor eax, eax\n        mov fs, ax\n        mov gs, ax',
    ...faultsBothWays('        mov eax, [fs:argument]', generalProtection),
    ...faultsBothWays('        mov [gs:argument], eax', generalProtection),
    ...faultsBothWays('        inc dword [gs:0]', generalProtection),
    '        mov eax, 3\n        mov fs, ax',
    ...faultsBothWays('        push dword [fs:argument]', generalProtection),
    '        xor eax, eax\n        lldt ax',
    ...faultsBothWays('        mov fs, ax', generalProtection, 4).map(
      (code) => `        mov eax, 7\n${code}`,
    ),
  ],
  'limits of segments, and which fault it is': [
    programs,
    '        mov eax, 0x33\n        mov fs, ax',
    ...leavesBothWays('        mov al, [fs:0xfff]', 'al', '[0xfff]'),
    ...faultsBothWays('        mov al, [fs:0x1000]', generalProtection),
    ...faultsBothWays('        mov eax, [fs:0xffd]', generalProtection),
    ...faultsBothWays('        mov [fs:0xffe], eax', generalProtection),
    ...faultsBothWays('        lock inc dword [fs:0xfff]', generalProtection),
    // What stands at EBP or ESP is the stack's, unless a prefix says otherwise.
    ...shortStack.flatMap(([line, vector]) =>
      [`        ${line}`, `${forced}\n        ${line}`].map((code) => {
        const prepared = `        mov eax, 0x33\n        mov ss, ax\n        mov ebp, 0xffe\n`;
        return faults(asProgram(`${prepared}        mov esp, 0x1002\n${code}`), vector);
      }),
    ),
  ],
};

for (const [name, paging] of Object.entries(pagingModes)) {
  const kernel = (list: readonly string[]): Uint8Array => hvmTestKernel([paging, ...list]);
  describeChecks(`a PVH kernel, ${name},`, { machine: 'pvh', kernel }, checks);
}
