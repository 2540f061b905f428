import { Assembler } from '@ringfence/assembler';

/**
 * A multiboot kernel in Base64 that begins at the label `start` of a 32-bit program; from
 * `image_end` on there is a page for its stack.
 */
export function multibootKernel(program: string): string {
  const flags = 0x1_0000;
  const assembler = new Assembler({ bits: 32, origin: 0x10_0000 });
  assembler.text(`
header: dd 0x1badb002, ${String(flags)}, ${String(-(0x1bad_b002 + flags) >>> 0)}
        dd header, header, image_end, image_end + 0x1000, start
${program}
`);
  assembler.label('image_end');
  return Buffer.from(assembler.assemble()).toString('base64');
}
