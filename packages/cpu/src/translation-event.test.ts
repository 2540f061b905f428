import { assembleText } from '@ringfence/assembler';
import { expect, it } from 'vitest';
import { flatState, makeCpu } from './test-cpu.ts';
import { type TranslationEvent, translationLine } from './translation-event.ts';

it('tells where, how large and why a region was made, and why it was dropped', () => {
  const parts = makeCpu(16 << 20, 'translator');
  const events: TranslationEvent[] = [];
  if (parts.cpu.regions) parts.cpu.regions.onEvent = (event) => events.push(event);
  const code = assembleText('again: add eax, 1\n jmp again', { bits: 32, origin: 0x1000 });
  parts.physical.write(0x1000, code);
  parts.cpu.start(flatState(0x1000, 0x8000));
  parts.cpu.run(3_000_000);
  parts.physical.write(0x1000, Uint8Array.of(0xf4));
  expect(events.map(({ kind }) => kind)).toEqual(['made', 'dropped']);
  const [made, dropped] = events.map(translationLine);
  expect(made).toMatch(
    /^made 1: physical 0{4}1000 linear 0{4}100\d 32-bit: \d blocks?.*2 instr.*: hot, \d+ samples/,
  );
  expect(dropped).toBe('dropped 1: physical 00001000: write of 1 bytes at 00001000 by a device');
});
