/** Code that is reached, or changed, by another way than that on which it runs; in every tier. */
import { Layout, WriteSource } from '@ringfence/memory';
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import type { TestCpu } from '../test-cpu.ts';
import { entryOf } from './test-system.ts';
import { registersOf, runEverywhere } from './test-tiers.ts';

/** A function that adds `value` to EDX forty times; ECX ends 0. */
const adder = (value: number): Uint8Array =>
  assembleText(`mov ecx, 40\nagain: add edx, ${value}\n dec ecx\n jnz again\n ret`, { bits: 32 });

const frame = 0x40_0000;
const otherFrame = 0x41_0000;
const first = 0x80_0000;
const second = 0x90_0000;

/** Puts functions that add 1 and 100 into the two frames. */
const twoFrames = ({ physical }: TestCpu): void => {
  physical.write(frame, adder(1));
  physical.write(otherFrame, adder(100));
};

/** Both aliases lead to `frame`. */
const mapAliases = `
        call paging_on
        mov dword [${entryOf(first)}], ${frame + 7}
        mov dword [${entryOf(second)}], ${frame + 7}
        invlpg [${first}]
        invlpg [${second}]
`;

describe('a physical page at two virtual addresses', () => {
  it('runs at both', () => {
    const text = `
main:   ${mapAliases}
        mov ebp, 100
        xor edx, edx
round:  mov eax, ${first}
        call eax
        mov eax, ${second}
        call eax
        dec ebp
        jnz round
        hlt`;
    for (const parts of runEverywhere({ text, prepare: twoFrames }).values()) {
      expect(registersOf(parts)['edx']).toBe(8000);
    }
  });

  it.each([
    ['the other alias', second],
    ['the same alias', first],
    ['the identity mapping', frame],
  ])('runs what was written through %s', (_name, through) => {
    // The immediate of ADD EDX, imm8 is at offset 7.
    const text = `
main:   ${mapAliases}
        mov ebp, 100
        xor edx, edx
round:  mov eax, ebp
        and eax, 0x3f
        mov [${through} + 7], al
        mov eax, ${first}
        call eax
        mov eax, ${second}
        call eax
        dec ebp
        jnz round
        hlt`;
    let sum = 0;
    for (let count = 100; count > 0; count--) sum += 80 * (count & 0x3f);
    for (const parts of runEverywhere({ text, prepare: twoFrames }).values()) {
      expect(registersOf(parts)['edx']).toBe(sum);
    }
  });

  it('stops the running function when it writes to itself through the other alias', () => {
    const body = `mov ecx, 40\nagain: add edx, 1\n mov byte [${second} + 7], cl
        dec ecx\n jnz again\n ret`;
    const text = `
main:   ${mapAliases}
        mov ebp, 50
        xor edx, edx
round:  mov eax, ${first}
        call eax
        dec ebp
        jnz round
        hlt`;
    const prepare = ({ physical }: TestCpu): void => {
      physical.write(frame, assembleText(body, { bits: 32 }));
    };
    // Round one adds 1, then 40, 39, ... 2; the others begin with the 1 that was written last.
    const once = 1 + (40 * 41) / 2 - 1;
    for (const parts of runEverywhere({ text, prepare }).values()) {
      expect(registersOf(parts)['edx']).toBe(50 * once);
    }
  });
});

it('a virtual address that is led to another page runs that page', () => {
  const text = `
main:   ${mapAliases}
        mov ebp, 300
        xor edx, edx
round:  mov eax, ${first}
        call eax
        xor dword [${entryOf(first)}], ${frame ^ otherFrame}
        invlpg [${first}]
        dec ebp
        jnz round
        hlt`;
  for (const parts of runEverywhere({ text, prepare: twoFrames }).values()) {
    expect(registersOf(parts)['edx']).toBe(150 * 40 * 101);
  }
});

/** A program that calls the function at an address again and again, counting in EDI. */
const caller = (address: number, rounds: number): string => `
main:   mov ebp, ${rounds}
        xor edx, edx
round:  mov eax, ${address}
        call eax
        dec ebp
        jnz round
        hlt`;

describe('code that the machine changes under the processor', () => {
  it('is followed when a device writes to it', () => {
    const dma =
      (value: number) =>
      ({ physical }: TestCpu): void => {
        physical.traces.source = WriteSource.device;
        physical.write(frame + 7, Uint8Array.from([value]));
        physical.traces.source = WriteSource.guest;
      };
    const events = [
      { at: 30_001, act: dma(3) },
      { at: 77_777, act: dma(5) },
      { at: 78_000, act: dma(7) },
    ];
    const ended = runEverywhere({ text: caller(frame, 900), events, prepare: twoFrames });
    const sums = new Set([...ended.values()].map((parts) => registersOf(parts)['edx']));
    expect(sums.size).toBe(1);
    const [sum = 0] = sums;
    expect(sum).toBeGreaterThan(900 * 40 * 2);
    expect(sum).toBeLessThan(900 * 40 * 7);
    for (const { cpu } of ended.values()) {
      const { amendments, invalidations } = cpu.cache.statistics;
      expect(amendments + invalidations.device).toBeGreaterThanOrEqual(3);
    }
  });

  it('is followed when a device writes a whole new program in one piece', () => {
    const act = ({ physical }: TestCpu): void => {
      const page = new Uint8Array(8192).fill(0x90);
      page.set(adder(9), 4096);
      physical.write(frame - 4096, page);
    };
    const ended = runEverywhere({
      text: caller(frame, 400),
      events: [{ at: 40_001, act }],
      prepare: twoFrames,
    });
    for (const parts of ended.values()) {
      expect(registersOf(parts)['edx']).toBeGreaterThan(400 * 40);
    }
  });

  it('is followed when the chipset shows RAM in place of ROM, and ROM again', () => {
    const place = 0xf_0000;
    const rom = Layout.ram + 0x50_0000;
    const show =
      (read: number) =>
      ({ physical }: TestCpu): void =>
        physical.map(place, 0x1000, { read, write: Layout.ram + place });
    const prepare = (parts: TestCpu): void => {
      parts.physical.write(place, adder(2));
      parts.physical.write(0x50_0000, adder(11));
      show(rom)(parts);
    };
    // Each call retires 1 + 120 + 1 instructions and the loop around it 4.
    const events = [
      { at: 126 * 100, act: show(Layout.ram + place) },
      { at: 126 * 250, act: show(rom) },
    ];
    for (const parts of runEverywhere({ text: caller(place, 400), events, prepare }).values()) {
      const sum = registersOf(parts)['edx'] ?? 0;
      expect(sum).toBeGreaterThan(40 * (248 * 11 + 148 * 2));
      expect(sum).toBeLessThan(40 * (252 * 11 + 152 * 2));
    }
  });

  it('is another when the A20 gate closes', () => {
    const high = 0x15_0000;
    const low = 0x05_0000;
    const prepare = ({ physical }: TestCpu): void => {
      physical.write(high, adder(1));
      physical.write(low, adder(50));
    };
    const gate =
      (open: boolean) =>
      ({ physical }: TestCpu): void =>
        physical.setA20(open);
    const events = [
      { at: 126 * 100, act: gate(false) },
      { at: 126 * 200, act: gate(true) },
    ];
    for (const parts of runEverywhere({ text: caller(high, 400), events, prepare }).values()) {
      const sum = registersOf(parts)['edx'] ?? 0;
      expect(sum).toBeGreaterThan(40 * (298 + 98 * 50));
      expect(sum).toBeLessThan(40 * (302 + 102 * 50));
    }
  });
});
