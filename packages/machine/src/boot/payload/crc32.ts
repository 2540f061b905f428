/** The bits of the polynomial of IEEE 802.3, lowest power in the highest bit. */
const polynomial = 0xedb8_8320;

const table: Int32Array = Int32Array.from({ length: 256 }, (_nothing, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
  }
  return remainder;
});

/** Returns the CRC-32 of bytes, unsigned (ISO/IEC 3309; .xz file format 1.0.4, section 6). */
export function crc32(bytes: Uint8Array): number {
  let remainder = -1;
  for (let index = 0; index < bytes.length; index += 1) {
    remainder = (table[(remainder ^ (bytes[index] ?? 0)) & 0xff] ?? 0) ^ (remainder >>> 8);
  }
  return ~remainder >>> 0;
}
