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
