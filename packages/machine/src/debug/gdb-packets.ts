/**
 * Packets of GDB's remote serial protocol (GDB manual, appendix E.1): `$data#checksum`, each
 * answered by `+` or `-`; the byte 3 outside of a packet interrupts.
 */

/** The most characters of a packet's data; longer ones are refused. */
export const maximumPacket = 0x4000;

const plus = 0x2b;
const minus = 0x2d;
const dollar = 0x24;
const hash = 0x23;
const interruptByte = 3;

/** What a connection tells of what it received. */
export interface PacketListener {
  /** A whole packet with the right checksum. */
  packet(data: string): void;
  /** The debugger wants the program stopped. */
  interrupt(): void;
}

/** Splits a stream of bytes into packets and acknowledges them. */
export class PacketStream {
  /** Whether packets are acknowledged; the debugger may switch that off. */
  acknowledges: boolean = true;
  readonly #listener: PacketListener;
  readonly #send: (bytes: Uint8Array) => void;
  #data = '';
  /** Characters of the checksum that came, -1 in the data, -2 between packets. */
  #checked = -2;
  #checksum = '';
  #last: Uint8Array | undefined;

  constructor(listener: PacketListener, send: (bytes: Uint8Array) => void) {
    this.#listener = listener;
    this.#send = send;
  }

  /** Takes bytes from the debugger. */
  receive(bytes: Uint8Array): void {
    for (const byte of bytes) this.#take(byte);
  }

  /** Sends a packet. */
  send(data: string): void {
    this.#last = latin1(`$${data}#${checksumOf(data)}`);
    this.#send(this.#last);
  }

  #take(byte: number): void {
    if (this.#checked === -2) this.#between(byte);
    else if (this.#checked === -1) this.#inData(byte);
    else {
      this.#checksum += String.fromCharCode(byte);
      this.#checked += 1;
      if (this.#checked === 2) this.#end();
    }
  }

  #between(byte: number): void {
    if (byte === dollar) {
      this.#data = '';
      this.#checked = -1;
    } else if (byte === interruptByte) this.#listener.interrupt();
    else if (byte === minus && this.#last !== undefined) this.#send(this.#last);
  }

  #inData(byte: number): void {
    if (byte === hash) {
      this.#checksum = '';
      this.#checked = 0;
    } else if (this.#data.length < maximumPacket) this.#data += String.fromCharCode(byte);
  }

  #end(): void {
    this.#checked = -2;
    const right = this.#checksum.toLowerCase() === checksumOf(this.#data);
    if (this.acknowledges) this.#send(Uint8Array.of(right ? plus : minus));
    if (right) this.#listener.packet(this.#data);
  }
}

function checksumOf(data: string): string {
  let sum = 0;
  for (let index = 0; index < data.length; index++) sum += data.charCodeAt(index);
  return (sum & 0xff).toString(16).padStart(2, '0');
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}
