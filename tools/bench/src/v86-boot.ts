/**
 * Boots a bzImage in the npm package v86, JIT on, with its serial line on standard output:
 * `v86-boot.ts KERNEL INITRD BIOS VGABIOS MEGABYTES COMMAND-LINE`. Started by the benchmark as a
 * process of its own, as v86 keeps its machine in module-level state.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { V86 } from 'v86';

const [kernel, initrd, bios, vgaBios, megabytes, commandLine] = process.argv.slice(2);

const emulator = new V86({
  wasm_path: fileURLToPath(new URL('v86.wasm', import.meta.resolve('v86'))),
  memory_size: Number(megabytes) * 2 ** 20,
  vga_memory_size: 8 * 2 ** 20,
  bios: image(bios),
  vga_bios: image(vgaBios),
  bzimage: image(kernel),
  initrd: image(initrd),
  cmdline: commandLine ?? '',
  acpi: true,
  autostart: true,
  disable_speaker: true,
});
emulator.add_listener('serial0-output-byte', (byte: number) => {
  process.stdout.write(Uint8Array.of(byte));
});

function image(path: string | undefined): { buffer: ArrayBuffer } {
  return { buffer: new Uint8Array(readFileSync(path ?? '')).buffer };
}
