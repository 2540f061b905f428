/**
 * Messages of the xenstore protocol (Xen, public/io/xs_wire.h): a header of four words, then text.
 *
 *     0 type   4 number of the request   8 transaction, 0 for none   12 bytes that follow
 */

/** Types of messages (XS_*). */
export const StoreMessage = {
  control: 0,
  directory: 1,
  read: 2,
  getPerms: 3,
  watch: 4,
  unwatch: 5,
  transactionStart: 6,
  transactionEnd: 7,
  getDomainPath: 10,
  write: 11,
  mkdir: 12,
  rm: 13,
  setPerms: 14,
  watchEvent: 15,
  error: 16,
  isDomainIntroduced: 17,
  resetWatches: 21,
  directoryPart: 22,
} as const;

/** Bytes of a header. */
export const headerBytes = 16;
/** The most bytes behind a header (XENSTORE_PAYLOAD_MAX). */
export const mostPayloadBytes = 4096;

/** A message of the xenstore protocol, in either direction. */
export interface WireMessage {
  readonly type: number;
  readonly request: number;
  readonly transaction: number;
  readonly payload: Uint8Array;
}

/** Returns a message as bytes. */
export function encodeMessage(message: WireMessage): Uint8Array {
  const bytes = new Uint8Array(headerBytes + message.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, message.type, true);
  view.setUint32(4, message.request, true);
  view.setUint32(8, message.transaction, true);
  view.setUint32(12, message.payload.length, true);
  bytes.set(message.payload, headerBytes);
  return bytes;
}

/** Reads characters as bytes: the store knows no encoding. */
export function toText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Writes text of characters 0 to 255 as bytes. */
export function fromText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}
