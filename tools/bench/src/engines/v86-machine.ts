/**
 * Runs a guest in the npm package v86, JIT on, with its serial line on standard input and output.
 * Its arguments are `linux KERNEL INITRD BIOS VGABIOS MEGABYTES COMMAND-LINE` or
 * `program IMAGE BIOS VGABIOS MEGABYTES`. A process of its own, as v86 keeps its machine in
 * module-level state.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { V86 } from 'v86';

const [kind, ...rest] = process.argv.slice(2);
const guest =
  kind === 'linux'
    ? { bzimage: image(rest[0]), initrd: image(rest[1]), cmdline: rest[5] ?? '' }
    : { multiboot: image(rest[0]) };
const [bios, vgaBios, megabytes] = kind === 'linux' ? rest.slice(2, 5) : rest.slice(1, 4);

const emulator = new V86({
  wasm_path: fileURLToPath(new URL('v86.wasm', import.meta.resolve('v86'))),
  memory_size: Number(megabytes) * 2 ** 20,
  vga_memory_size: 8 * 2 ** 20,
  bios: image(bios),
  vga_bios: image(vgaBios),
  ...guest,
  acpi: true,
  autostart: true,
  disable_speaker: true,
});
emulator.add_listener('serial0-output-byte', (byte: number) => {
  process.stdout.write(Uint8Array.of(byte));
});
process.stdin.on('data', (bytes: Buffer) => emulator.serial_send_bytes(0, bytes));

function image(path: string | undefined): { buffer: ArrayBuffer } {
  return { buffer: new Uint8Array(readFileSync(path ?? '')).buffer };
}
