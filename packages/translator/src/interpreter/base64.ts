const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The bytes that a text in base64 stands for (RFC 4648, section 4, without line breaks). */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const values = new Uint8Array(128);
  for (let value = 0; value < digits.length; value++) values[digits.charCodeAt(value)] = value;
  const end = text.endsWith('==') ? text.length - 2 : text.length - (text.endsWith('=') ? 1 : 0);
  const bytes = new Uint8Array(Math.floor((end * 6) / 8));
  let bits = 0;
  let at = 0;
  for (let index = 0; index < end; index++) {
    bits = (bits << 6) | (values[text.charCodeAt(index)] ?? 0);
    // Of four digits the second, third and fourth each complete a byte.
    if ((index & 3) !== 0) bytes[at++] = bits >> (6 - 2 * (index & 3));
  }
  return bytes;
}

/** A text in base64 that stands for bytes. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [first = 0, second = 0, third = 0] = bytes.subarray(at, at + 3);
    const group = (first << 16) | (second << 8) | third;
    for (let shift = 18; shift >= 0; shift -= 6) text += digits.charAt((group >> shift) & 63);
  }
  const missing = (3 - (bytes.length % 3)) % 3;
  return text.slice(0, text.length - missing) + '='.repeat(missing);
}
