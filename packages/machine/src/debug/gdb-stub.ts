/**
 * The machine's side of GDB's remote serial protocol (GDB manual, appendix E): registers, memory,
 * breakpoints, watchpoints, single steps, and the interruption of a running guest.
 *
 * Software breakpoints (Z0) are kept beside the guest's code, as hardware ones (Z1) are, and change
 * no byte of it. Addresses are linear.
 */
import type { DebugStop, HostBreakpoint } from '@ringfence/cpu';

import { PacketStream } from './gdb-packets.ts';
import { readRegister, registerCount, targetDescription, writeRegister } from './gdb-registers.ts';
import type { RegisterFile } from './gdb-registers.ts';

/** The machine, as a debugger works on it. */
export interface DebugTarget {
  readonly registers: RegisterFile;
  /** Reads guest memory by linear address; undefined where nothing is mapped. */
  readByte(linear: number): number | undefined;
  /** Writes guest memory; false where nothing is mapped. */
  writeByte(linear: number, value: number): boolean;
  setBreakpoints(breakpoints: readonly HostBreakpoint[]): void;
  /** Lets the guest run, for one instruction if `step`. */
  resume(step: boolean): void;
  /** Stops the guest; `stopped` of the stub follows if it ran. */
  interrupt(): void;
  /** Ends the machine. */
  kill(): void;
}

/** The most bytes of memory in one packet. */
const maximumBytes = 0x1000;

/** The most breakpoints and watchpoints. */
const maximumBreakpoints = 256;

const kinds: Readonly<Record<string, HostBreakpoint['kind']>> = {
  0: 'execute',
  1: 'execute',
  2: 'write',
  3: 'read',
  4: 'access',
};

const watchNames = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;

const trapSignal = '05';
const interruptSignal = '02';
const unmapped = 'E14';
const malformed = 'E22';

/** One connection of a debugger. */
export class GdbStub {
  readonly #target: DebugTarget;
  readonly #stream: PacketStream;
  #breakpoints: (HostBreakpoint & { readonly type: string })[] = [];
  #running = false;
  #lastStop = `T${trapSignal}thread:01;`;

  /** The guest stands still when a debugger connects. */
  constructor(target: DebugTarget, send: (bytes: Uint8Array) => void) {
    this.#target = target;
    this.#stream = new PacketStream(
      {
        packet: (data) => {
          this.#serve(data);
        },
        interrupt: () => {
          if (this.#running) target.interrupt();
        },
      },
      send,
    );
  }

  /** Takes bytes from the debugger. */
  receive(bytes: Uint8Array): void {
    this.#stream.receive(bytes);
  }

  /** Tells the debugger that the guest stands still; without a cause, because it was asked to. */
  stopped(stop: DebugStop | undefined): void {
    if (!this.#running) return;
    this.#running = false;
    this.#lastStop = stopReply(stop);
    this.#stream.send(this.#lastStop);
  }

  /** Tells the debugger that the run is over. */
  ended(status: number): void {
    if (this.#running) this.#stream.send(`W${byteHex(status & 0xff)}`);
    this.#running = false;
  }

  /** Takes the debugger's breakpoints away. */
  close(): void {
    this.#breakpoints = [];
    this.#target.setBreakpoints([]);
  }

  #serve(data: string): void {
    if (this.#running) return;
    const rest = data.slice(1);
    switch (data[0]) {
      case '?':
        return this.#reply(this.#lastStop);
      case 'g':
        return this.#reply(this.#allRegisters());
      case 'G':
        return this.#reply(this.#setAllRegisters(rest));
      case 'p':
        return this.#reply(this.#register(parseInt(rest, 16)));
      case 'P':
        return this.#reply(this.#setRegister(rest));
      case 'm':
        return this.#reply(this.#memory(rest));
      case 'M':
        return this.#reply(this.#setMemory(rest));
      case 'c':
      case 'C':
        return this.#resume(false);
      case 's':
      case 'S':
        return this.#resume(true);
      case 'Z':
      case 'z':
        return this.#reply(this.#breakpoint(data[0] === 'Z', rest));
      case 'D':
        this.close();
        this.#reply('OK');
        return this.#target.resume(false);
      case 'k':
        return this.#target.kill();
      case 'H':
      case 'T':
        return this.#reply('OK');
      default:
        return this.#serveQuery(data);
    }
  }

  #serveQuery(data: string): void {
    if (data.startsWith('vCont;')) return this.#resume(/^vCont;s|^vCont;S/.test(data));
    if (data.startsWith('qXfer:features:read:target.xml:')) {
      return this.#reply(part(data.slice(data.lastIndexOf(':') + 1), targetDescription));
    }
    if (data.startsWith('qSupported')) {
      const features = 'PacketSize=4000;qXfer:features:read+;QStartNoAckMode+;vContSupported+';
      return this.#reply(`${features};hwbreak+;swbreak+`);
    }
    if (data === 'QStartNoAckMode') {
      this.#reply('OK');
      this.#stream.acknowledges = false;
      return;
    }
    const answers: Readonly<Record<string, string>> = {
      'vCont?': 'vCont;c;C;s;S',
      qC: 'QC01',
      qfThreadInfo: 'm01',
      qsThreadInfo: 'l',
      qAttached: '1',
      'qSymbol::': 'OK',
    };
    this.#reply(answers[data] ?? '');
  }

  #reply(data: string): void {
    this.#stream.send(data);
  }

  #resume(step: boolean): void {
    this.#running = true;
    this.#target.resume(step);
  }

  #allRegisters(): string {
    const { registers } = this.#target;
    return Array.from({ length: registerCount }, (_, number) =>
      hexOf(readRegister(registers, number) ?? new Uint8Array()),
    ).join('');
  }

  #setAllRegisters(text: string): string {
    const bytes = bytesOf(text);
    if (bytes === undefined) return malformed;
    let at = 0;
    for (let number = 0; number < registerCount; number++) {
      const length = readRegister(this.#target.registers, number)?.length ?? 0;
      if (!writeRegister(this.#target.registers, number, bytes.subarray(at, at + length))) break;
      at += length;
    }
    return 'OK';
  }

  #register(number: number): string {
    const value = readRegister(this.#target.registers, number);
    return value === undefined ? malformed : hexOf(value);
  }

  #setRegister(text: string): string {
    const [number = '', value = ''] = text.split('=');
    const bytes = bytesOf(value);
    if (bytes === undefined) return malformed;
    const done = writeRegister(this.#target.registers, parseInt(number, 16), bytes);
    return done ? 'OK' : malformed;
  }

  #memory(text: string): string {
    const [address, length] = numbers(text);
    if (address === undefined || length === undefined) return malformed;
    const bytes: number[] = [];
    for (let index = 0; index < Math.min(length, maximumBytes); index++) {
      const byte = this.#target.readByte((address + index) | 0);
      if (byte === undefined) break;
      bytes.push(byte);
    }
    return bytes.length === 0 && length > 0 ? unmapped : hexOf(Uint8Array.from(bytes));
  }

  #setMemory(text: string): string {
    const [place = '', content = ''] = text.split(':');
    const [address] = numbers(place);
    const bytes = bytesOf(content);
    if (address === undefined || bytes === undefined) return malformed;
    const done = bytes.every((byte, index) => this.#target.writeByte((address + index) | 0, byte));
    return done ? 'OK' : unmapped;
  }

  #breakpoint(set: boolean, text: string): string {
    const [type = '', ...place] = text.split(',');
    const kind = kinds[type];
    const [linear, bytes] = numbers(place.join(','));
    if (kind === undefined || linear === undefined || bytes === undefined) return '';
    const others = this.#breakpoints.filter(
      (one) => one.type !== type || one.linear !== (linear | 0) || one.bytes !== bytes,
    );
    if (set && others.length >= maximumBreakpoints) return malformed;
    if (set) others.push({ type, kind, linear: linear | 0, bytes });
    this.#breakpoints = others;
    this.#target.setBreakpoints(others);
    return 'OK';
  }
}

function stopReply(stop: DebugStop | undefined): string {
  if (stop === undefined) return `T${interruptSignal}thread:01;`;
  const { kind, linear } = stop;
  if (kind === 'step') return `T${trapSignal}thread:01;`;
  if (kind === 'execute') return `T${trapSignal}thread:01;hwbreak:;`;
  return `T${trapSignal}thread:01;${watchNames[kind]}:${(linear >>> 0).toString(16)};`;
}

/** `offset,length` of a text, with a letter that says whether more follows. */
function part(range: string, text: string): string {
  const [offset = 0, length = 0] = numbers(range);
  const piece = text.slice(offset, offset + Math.min(length, maximumBytes));
  return `${offset + piece.length < text.length ? 'm' : 'l'}${piece}`;
}

function numbers(text: string): (number | undefined)[] {
  return text
    .split(',')
    .map((item) => (/^[0-9a-f]+$/i.test(item) ? parseInt(item, 16) : undefined));
}

function byteHex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byteHex).join('');
}

function bytesOf(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );
}
