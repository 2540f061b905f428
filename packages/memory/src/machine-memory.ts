import { Layout, maxRamBytes, pageBytes, wasmPageBytes } from './layout.ts';
import { MemoryError } from './memory-error.ts';

const mebibyte = 1 << 20;

/** How much memory a machine has. */
export interface MachineMemoryOptions {
  /** Guest RAM in bytes: a multiple of 1 MiB, at least 1 MiB, at most `maxRamBytes`. */
  readonly ramBytes: number;
  /** Bytes at the end of RAM that the guest is not told of: they are a hypervisor's. Default 0. */
  readonly hiddenBytes?: number;
  /** Backing beyond RAM, for video memory and ROMs, in bytes: a multiple of 4096. Default 0. */
  readonly extraBytes?: number;
}

/**
 * The one `WebAssembly.Memory` of a machine, laid out as `Layout` says, and views of it.
 *
 * The memory is never grown after construction, so the views stay valid for the machine's life.
 */
export class MachineMemory {
  /** The linear memory itself, to be imported by generated modules. */
  readonly memory: WebAssembly.Memory;
  /** Guest RAM in bytes. */
  readonly ramBytes: number;
  /** RAM in bytes that the guest is told of. */
  readonly usableBytes: number;
  /** Every byte of the linear memory. */
  readonly u8: Uint8Array;
  /** The linear memory as 32-bit words; the index is an address shifted right by 2. */
  readonly i32: Int32Array;
  /** The linear memory as a view, for accesses of any alignment (pass `true` for little-endian). */
  readonly view: DataView;
  private nextExtra: number;
  private readonly endExtra: number;

  /** @throws MemoryError `ram-size`, `extra-size`, or `out-of-memory` if the host has no room. */
  constructor(options: MachineMemoryOptions) {
    const { ramBytes, extraBytes = 0 } = options;
    checkRam(ramBytes);
    const limit = 2 ** 32 - Layout.ram - ramBytes;
    if (!Number.isInteger(extraBytes) || extraBytes < 0 || extraBytes % pageBytes !== 0) {
      throw new MemoryError(
        'extra-size',
        `memory: extra backing must be a multiple of ${pageBytes} bytes, found ${extraBytes}`,
      );
    }
    if (extraBytes > limit) {
      throw new MemoryError(
        'extra-size',
        `memory: extra backing of ${extraBytes} bytes is over the ${limit} left beside RAM`,
      );
    }
    const wasmPages = Math.ceil((Layout.ram + ramBytes + extraBytes) / wasmPageBytes);
    this.memory = createMemory(wasmPages);
    this.ramBytes = ramBytes;
    this.usableBytes = ramBytes - (options.hiddenBytes ?? 0);
    this.u8 = new Uint8Array(this.memory.buffer);
    this.i32 = new Int32Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
    this.nextExtra = Layout.ram + ramBytes;
    this.endExtra = this.nextExtra + extraBytes;
  }

  /**
   * Reserves backing for a ROM or video memory and returns its address in linear memory.
   *
   * `bytes` is rounded up to whole pages. What is reserved is never given back.
   *
   * @throws MemoryError `out-of-backing` when `extraBytes` are used up.
   */
  reserve(bytes: number): number {
    const rounded = Math.ceil(bytes / pageBytes) * pageBytes;
    const left = this.endExtra - this.nextExtra;
    if (!(rounded >= 0) || rounded > left) {
      throw new MemoryError(
        'out-of-backing',
        `memory: ${bytes} bytes of backing asked for, ${left} left of extraBytes`,
      );
    }
    const address = this.nextExtra;
    this.nextExtra += rounded;
    return address;
  }
}

function checkRam(ramBytes: number): void {
  if (!Number.isInteger(ramBytes) || ramBytes % mebibyte !== 0) {
    throw new MemoryError(
      'ram-size',
      `memory: RAM must be a whole number of MiB, found ${ramBytes} bytes`,
    );
  }
  if (ramBytes < mebibyte || ramBytes > maxRamBytes) {
    throw new MemoryError(
      'ram-size',
      `memory: RAM must be 1 to ${maxRamBytes / mebibyte} MiB, found ${ramBytes / mebibyte}`,
    );
  }
}

function createMemory(wasmPages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages });
  } catch (error) {
    throw new MemoryError(
      'out-of-memory',
      `memory: the host refused ${wasmPages * wasmPageBytes} bytes: ${String(error)}`,
    );
  }
}
