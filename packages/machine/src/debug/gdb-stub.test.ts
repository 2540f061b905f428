import { describe, expect, it } from 'vitest';

import type { HostBreakpoint } from '@ringfence/cpu';

import { createMachine } from '../machine.ts';
import { TestHost } from '../test-host.ts';
import { flatKernel } from '../test-kernel.ts';
import { GdbStub } from './gdb-stub.ts';

/** A debugger that a test plays: it sends packets and collects what comes back. */
class TestDebugger {
  readonly packets: string[] = [];
  receive: (bytes: Uint8Array) => void = () => undefined;

  readonly send = (bytes: Uint8Array): void => {
    for (const match of Buffer.from(bytes)
      .toString('latin1')
      .matchAll(/\$([^#]*)#/g)) {
      this.packets.push(match[1] ?? '');
    }
  };

  /** Sends a packet and returns what came back for it last. */
  ask(data: string): string | undefined {
    const sum = [...data].reduce((total, one) => total + one.charCodeAt(0), 0) & 0xff;
    const checksum = sum.toString(16).padStart(2, '0');
    this.receive(new Uint8Array(Buffer.from(`$${data}#${checksum}`)));
    return this.packets.at(-1);
  }
}

const origin = 0x10_0020;

async function debugged(text: string, accel: 'interpreter' | 'translator' = 'interpreter') {
  const host = new TestHost();
  host.msPerLook = 0.1;
  const boot = { kind: 'kernel', kernel: flatKernel(text) } as const;
  const machine = await createMachine({ memoryBytes: 0x40_0000, boot, host, accel });
  void machine.start();
  const gdb = new TestDebugger();
  const connection = machine.debug(gdb.send);
  if (connection === undefined) throw new Error('no debugger can connect');
  gdb.receive = (bytes) => {
    connection.receive(bytes);
  };
  const turn = (times: number): void => {
    for (let count = 0; count < times; count++) host.turn();
  };
  const eip = (): number => Buffer.from(gdb.ask('p8') ?? '', 'hex').readUInt32LE(0) - origin;
  return { gdb, connection, machine, turn, eip };
}

const counting = `mov ecx, 0
again: inc ecx
 mov [cell], ecx
 jmp again
 align 4096
cell: dd 0`;

describe.each(['interpreter', 'translator'] as const)('a debugger, %s', (accel) => {
  it('finds the guest stopped, steps it and reads and writes registers', async () => {
    const { gdb, turn, eip } = await debugged(counting, accel);
    expect(gdb.ask('?')).toBe('T05thread:01;');
    expect(eip()).toBe(0);
    gdb.ask('s');
    turn(3);
    expect(eip()).toBe(5);
    gdb.ask('P1=78563412');
    gdb.ask('s');
    turn(3);
    expect(gdb.ask('p1')).toBe('79563412');
  });

  it('stops the guest at a breakpoint each time that it comes by', async () => {
    const { gdb, turn, eip } = await debugged(counting, accel);
    expect(gdb.ask('Z0,100025,1')).toBe('OK');
    for (let round = 1; round <= 3; round++) {
      gdb.ask('vCont;c');
      turn(5);
      expect(gdb.packets.at(-1)).toBe('T05thread:01;hwbreak:;');
      expect(eip()).toBe(5);
    }
    expect(gdb.ask('p1')).toBe('02000000');
  });

  it('stops the guest after a write to a watched place, in hot code too', async () => {
    const { gdb, turn } = await debugged(counting, accel);
    gdb.ask('c');
    turn(40);
    gdb.receive(Uint8Array.of(3));
    expect(gdb.packets.at(-1)).toBe('T02thread:01;');
    expect(gdb.ask('Z2,101000,4')).toBe('OK');
    gdb.ask('c');
    turn(5);
    expect(gdb.packets.at(-1)).toBe('T05thread:01;watch:101000;');
    const ecx = gdb.ask('p1');
    expect(gdb.ask('m101000,4')).toBe(ecx);
    expect(gdb.ask('z2,101000,4')).toBe('OK');
    gdb.ask('c');
    turn(40);
    expect(gdb.packets.at(-1)).toBe('OK');
  });

  it('changes code that is running', async () => {
    const { gdb, turn } = await debugged(counting, accel);
    gdb.ask('c');
    turn(40);
    gdb.receive(Uint8Array.of(3));
    // inc ecx becomes nop; ecx stays.
    expect(gdb.ask('M100025,1:90')).toBe('OK');
    gdb.ask('s');
    turn(3);
    gdb.ask('s');
    turn(3);
    const before = gdb.ask('p1');
    gdb.ask('c');
    turn(40);
    gdb.receive(Uint8Array.of(3));
    expect(gdb.ask('p1')).toBe(before);
  });
});

describe('a debugger', () => {
  it('is alone, and leaves the guest running when it goes', async () => {
    const { connection, machine } = await debugged(counting);
    expect(machine.debug(() => undefined)).toBeUndefined();
    connection.close();
    expect(machine.state).toBe('running');
    expect(machine.debug(() => undefined)).toBeDefined();
  });

  it('gets a target description whose registers are those of the g packet', async () => {
    const { gdb } = await debugged(counting);
    let xml = '';
    for (let more = true; more;) {
      const answer =
        gdb.ask(`qXfer:features:read:target.xml:${xml.length.toString(16)},400`) ?? 'l';
      xml += answer.slice(1);
      more = answer.startsWith('m');
    }
    const bits = [...xml.matchAll(/bitsize="(\d+)"/g)].reduce(
      (sum, one) => sum + Number(one[1]),
      0,
    );
    expect(gdb.ask('g')).toHaveLength(bits / 4);
  });

  it('is told of nonsense, and of packets that are not known here', async () => {
    const { gdb } = await debugged(counting);
    expect(gdb.ask('p999')).toBe('E22');
    expect(gdb.ask('M100000,1:9')).toBe('E22');
    expect(gdb.ask('mzz,1')).toBe('E22');
    expect(gdb.ask('vMustReplyEmpty')).toBe('');
  });
});

describe('GdbStub', () => {
  it('asks again for a packet with a wrong checksum and refuses endless breakpoints', () => {
    const sent: string[] = [];
    let breakpoints: readonly HostBreakpoint[] = [];
    const stub = new GdbStub(
      {
        registers: {
          state: new Int32Array(0x2000),
          bytes: new Uint8Array(0x8000),
          eflags: () => 2,
        },
        readByte: () => 0,
        writeByte: () => true,
        setBreakpoints: (all) => {
          breakpoints = all;
        },
        resume: () => undefined,
        interrupt: () => undefined,
        kill: () => undefined,
      },
      (bytes) => sent.push(Buffer.from(bytes).toString('latin1')),
    );
    stub.receive(new Uint8Array(Buffer.from('$?#00')));
    expect(sent).toEqual(['-']);
    for (let index = 0; index < 300; index++) {
      const data = `Z1,${index.toString(16)},1`;
      const sum = [...data].reduce((total, one) => total + one.charCodeAt(0), 0) & 0xff;
      stub.receive(new Uint8Array(Buffer.from(`$${data}#${sum.toString(16).padStart(2, '0')}`)));
    }
    expect(breakpoints).toHaveLength(256);
  });
});
