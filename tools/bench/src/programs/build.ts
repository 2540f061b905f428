import { Assembler } from '@ringfence/assembler';
import { dataText, entryText } from './entry.ts';
import { Place, type Program } from './program.ts';

/** Assembles programs into one multiboot kernel, which runs those whose names it reads. */
export function buildPrograms(programs: readonly Program[]): Uint8Array {
  const assembler = new Assembler({ bits: 32, origin: Place.load });
  assembler.text(entryText);
  for (const { text } of programs) assembler.text(text);
  assembler.text(dataText(programs));
  assembler.label('program_end');
  const bytes = assembler.assemble();
  if (bytes.length > Place.stackTop - Place.load - 0x1_0000) {
    throw new Error(`bench: the programs have ${bytes.length} bytes, more than there is room for`);
  }
  return bytes;
}
