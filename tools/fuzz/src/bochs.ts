/**
 * Bochs as a third executor. It knows no multiboot: the image goes into a ROM whose first
 * instructions copy it to where its header wants it, and which needs no BIOS.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Assembler } from '@ringfence/assembler';
import type { RunOptions, RunResult } from './executors.ts';

const topOfMemory = 2 ** 32;
const romUnit = 0x2_0000;
const loaderBytes = 0x200;
const optionRomUnit = 512;
const defaultTimeoutMs = 30_000;

/** Whether Bochs is installed. */
export function hasBochs(): boolean {
  return spawnSync('bochs', ['--help']).error === undefined;
}

/** Runs an image on Bochs, on a processor of the name that Bochs gives it. */
export function runBochs(image: Uint8Array, options: RunOptions = {}): RunResult {
  const folder = mkdtempSync(join(tmpdir(), 'bochs-'));
  try {
    const rom = bochsRom(image);
    const settings = bochsSettings(rom.length, options.cpu ?? 'corei7_haswell_4770');
    writeFileSync(join(folder, 'rom'), rom);
    writeFileSync(join(folder, 'settings'), settings);
    writeFileSync(join(folder, 'video'), emptyOptionRom());
    // Debian's Bochs has its debugger built in, which is to let the guest go.
    writeFileSync(join(folder, 'commands'), 'c\nq\n');
    const output = openSync(join(folder, 'output'), 'w');
    const done = spawnSync('bochs', ['-q', '-f', 'settings', '-rc', 'commands'], {
      cwd: folder,
      // Bochs does not come to an end if its output goes to a socket, as it does by default.
      stdio: ['ignore', output, 'ignore'],
      timeout: options.timeoutMs ?? defaultTimeoutMs,
    });
    closeSync(output);
    const log = readFileSync(join(folder, 'log'), 'latin1');
    const end = log.includes('Shutdown port') ? 'exit' : `status ${done.status ?? -1}`;
    return { output: guestOutput(readFileSync(join(folder, 'output'))), end };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes a ROM that starts an image as a multiboot loader would; the reset vector is its end. */
export function bochsRom(image: Uint8Array): Uint8Array {
  const header = new DataView(image.buffer, image.byteOffset);
  const [load, entry] = [header.getUint32(16, true), header.getUint32(28, true)];
  const size = Math.ceil((image.length + loaderBytes) / romUnit) * romUnit;
  const loader = topOfMemory - loaderBytes;
  const assembler = new Assembler({ bits: 16, origin: loader });
  assembler.text(`
        bits 16
start:  cli
        o32 lgdt [cs:${(loader & 0xffff) + 0x100}]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        o32 jmp 8:flat
        bits 32
flat:   mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        cld
        mov esi, ${topOfMemory - size}
        mov edi, ${load}
        mov ecx, ${Math.ceil(image.length / 4)}
        rep movsd
        mov eax, 0x2badb002
        mov ebx, 0x9000
        mov ecx, ${entry}
        jmp ecx
`);
  const rom = new Uint8Array(size).fill(0xff);
  rom.set(image);
  rom.set(assembler.assemble(), size - loaderBytes);
  const view = new DataView(rom.buffer);
  const table = size - 0x100;
  view.setUint16(table, 23, true);
  view.setUint32(table + 2, loader + 0x108, true);
  const descriptors = [0, 0, 0x0000_ffff, 0x00cf_9b00, 0x0000_ffff, 0x00cf_9300];
  descriptors.forEach((word, index) => {
    view.setUint32(table + 8 + 4 * index, word, true);
  });
  // A far jump to the loader, where the processor starts.
  rom.set([0xea, loader & 0xff, (loader >>> 8) & 0xff, 0x00, 0xf0], size - 16);
  return rom;
}

function bochsSettings(romBytes: number, cpu: string): string {
  return `
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, serial=0, iodebug=0
config_interface: textconfig
display_library: rfb, options="timeout=0"
memory: guest=32, host=32
vgaromimage: file=video
romimage: file=rom, address=0x${(topOfMemory - romBytes).toString(16)}
cpu: model=${cpu}, ips=50000000, reset_on_triple_fault=0
port_e9_hack: enabled=1
boot: disk
log: log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
clock: sync=none
sound: driver=dummy
`;
}

/** An option ROM that does nothing: Bochs asks for that of its VGA, which Debian has not got. */
function emptyOptionRom(): Uint8Array {
  const rom = new Uint8Array(optionRomUnit);
  rom.set([0x55, 0xaa, 1, 0xcb]);
  rom[optionRomUnit - 1] = -rom.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return rom;
}

/** What the guest wrote: everything after the debugger's first lines and before its last. */
function guestOutput(stdout: Uint8Array): Uint8Array {
  const text = Buffer.from(stdout).toString('latin1');
  const begins = text.indexOf('\n', text.indexOf('(0) [')) + 1;
  const ends = text.lastIndexOf('(0).[');
  return Buffer.from(text.slice(begins, ends < begins ? undefined : ends), 'latin1');
}
