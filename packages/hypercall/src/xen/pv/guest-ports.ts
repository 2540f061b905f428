/**
 * The ports of a paravirtual guest (Xen, arch/x86/pv/emul-priv-op.c, "guest_io_read").
 *
 * No device is there: reads are all ones, writes go nowhere. That holds for the timer's and the
 * speaker's ports too (0x42, 0x43, 0x61), behind which only the privileged guest finds a timer. Two
 * registers that select others are kept as they were written, though nothing can be selected.
 *
 *     0x70     index of a byte of the CMOS memory, without the bit that masks NMIs
 *     0xcf8    address in the configuration space of PCI, as a whole
 */

const cmosIndexPort = 0x70;
const configurationAddressPort = 0xcf8;

/** What a guest's accesses to ports leave. */
export class GuestPorts {
  /** What was last written to the two registers. */
  cmosIndex: number = 0;
  configurationAddress: number = 0;

  /** Forgets both. */
  reset(): void {
    this.cmosIndex = 0;
    this.configurationAddress = 0;
  }

  /** Reads from a port and those behind it; the result is unsigned. */
  read(port: number, bytes: 1 | 2 | 4): number {
    if (port === configurationAddressPort && bytes === 4) {
      return this.configurationAddress;
    }
    const ones = bytes === 4 ? 0xffff_ffff : 2 ** (8 * bytes) - 1;
    const place = cmosIndexPort - port;
    if (place < 0 || place >= bytes) {
      return ones;
    }
    const shift = 8 * place;
    return ((ones & ~(0xff << shift)) | (this.cmosIndex << shift)) >>> 0;
  }

  /** Writes to a port and those behind it. */
  write(port: number, bytes: 1 | 2 | 4, value: number): void {
    if (port === configurationAddressPort && bytes === 4) {
      this.configurationAddress = value >>> 0;
      return;
    }
    const place = cmosIndexPort - port;
    if (place >= 0 && place < bytes) {
      this.cmosIndex = (value >>> (8 * place)) & 0x7f;
    }
  }
}
