/** Loops with an immediate that the guest writes all the time, which regions read from the code. */
import { describe, expect, it } from 'vitest';
import { registersOf, runEverywhere, runTier, tiers } from './test-tiers.ts';

/** A program of 3000 rounds, each of which writes ECX by `store` and runs a loop of `site`. */
const program = (store: string, site: string): string => `
main:   mov ecx, 3000
        xor edx, edx
        mov ebx, 0x12345678
again:  mov eax, ecx
        ${store}
        mov edi, 20
inner:
site:   ${site}
        add edx, ebx
        rol edx, 1
        dec edi
        jnz inner
        dec ecx
        jnz again
        hlt`;

/** Instructions by the kind of their immediate, and stores that change it. */
const sites: readonly (readonly [name: string, store: string, site: string])[] = [
  ['MOV of a dword', 'mov [site + 1], eax', 'mov ebx, 0'],
  ['MOV of a byte', 'mov [site + 1], al', 'mov bl, 0'],
  ['MOV of a word', 'mov [site + 2], ax', 'mov bx, 0'],
  ['MOV to memory', 'mov [site + 6], eax', 'mov dword [0x9000], 0\n xor ebx, [0x9000]'],
  ['ADD of a sign-extended byte', 'mov [site + 2], al', 'add ebx, 1'],
  ['ADC behind a carry', 'mov [site + 2], al', 'adc ebx, 1'],
  ['ADD of one byte of a dword', 'mov [site + 4], al', 'add ebx, 0x12345678'],
  ['AND of a dword', 'mov [site + 2], eax', 'and ebx, 0x12345678'],
  ['SUB of a sign-extended byte from a word', 'mov [site + 3], al', 'sub bx, 1'],
  ['IMUL', 'mov [site + 2], eax', 'imul ebx, ebx, 0x12345678'],
  ['CMP, whose flags are read', 'mov [site + 2], al', 'cmp bl, 1\n adc ebx, 3'],
  ['CMP to 0, whose flags are read', 'and al, 1\n mov [site + 2], al', 'cmp dl, 0\n setl bl'],
  ['SHL by a count, with and without 0', 'and al, 3\n mov [site + 2], al', 'shl ebx, 2'],
  ['BT', 'and al, 31\n mov [site + 3], al', 'bt ebx, 4\n adc ebx, 1'],
  ['PSHUFD', 'mov [site + 4], al', 'pshufd xmm0, xmm1, 0x1b\n movd ebx, xmm0\n movd xmm1, edx'],
  ['AAM', 'or al, 1\n mov [site + 1], al', 'aam 10\n mov ebx, eax\n mov eax, edx'],
];

describe('an immediate that is written again and again', () => {
  it.each(sites)('is read by %s', (_name, store, site) => {
    const text = program(store, site);
    const ends = [...runEverywhere({ text }).values()].map((parts) => registersOf(parts));
    expect(ends.length).toBe(tiers.length);
    for (const end of ends) expect(end).toEqual(ends[0]);
  });

  it('leaves the loop translated, and drops its region no more', () => {
    const tier = tiers.find(({ name }) => name === 'translator');
    if (tier === undefined) throw new Error('there is no such tier');
    const text = program('mov [site + 1], eax', 'mov ebx, 0').replace('3000', '200000');
    const { cpu } = runTier(tier, { text });
    const { instructions = 0, dropped = 0 } = cpu.regions?.statistics ?? {};
    expect(instructions / cpu.instructions).toBeGreaterThan(0.9);
    expect(dropped).toBeLessThan(10);
  });

  it('stops the region when more than the immediate is written', () => {
    // B8+r imm32 becomes another instruction every 64th round.
    const store = `mov [site + 1], eax
        test ecx, 63
        jnz same
        xor byte [site], 1
same:`;
    const text = program(store, 'db 0xbb, 0, 0, 0, 0');
    const ends = [...runEverywhere({ text }).values()].map((parts) => registersOf(parts));
    for (const end of ends) expect(end).toEqual(ends[0]);
  });
});
