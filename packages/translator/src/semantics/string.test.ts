/** Repeated string instructions against a model that does one element after the other. */
import { CpuState, SegmentRegister } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { codeAddress, flagLetters, TestMachine, unmappedPage } from './test-machine.ts';

const dataFirst = 0x1_0000;
const dataBytes = 0x3800;
const directionFlag = 0x400;

/** What a model and a machine start from. */
interface Start {
  readonly esi: number;
  readonly edi: number;
  readonly ecx: number;
  readonly eax: number;
  readonly down: boolean;
}

/** What they end with. */
interface End {
  esi: number;
  edi: number;
  ecx: number;
  flags: string;
  fault: number;
}

const widths = [1, 2, 4] as const;
type Width = (typeof widths)[number];
const letter = { 1: 'b', 2: 'w', 4: 'd' } as const;

/** Numbers that are the same in each run. */
function generator(seed: number): (limit: number) => number {
  let state = seed * 2 + 1;
  return (limit) => {
    state = (Math.imul(state, 0x9e37_79b1) ^ (state >>> 15)) | 0;
    return (state >>> 4) % limit;
  };
}

/** Guest memory in which one page faults, element by element. */
class Model {
  readonly memory: DataView;

  constructor(memory: ArrayBuffer) {
    this.memory = new DataView(memory);
  }

  load(at: number, width: Width): number {
    this.#check(at, width);
    if (width === 4) return this.memory.getUint32(at, true);
    return width === 2 ? this.memory.getUint16(at, true) : this.memory.getUint8(at);
  }

  store(at: number, width: Width, value: number): void {
    this.#check(at, width);
    if (width === 4) this.memory.setUint32(at, value, true);
    else if (width === 2) this.memory.setUint16(at, value, true);
    else this.memory.setUint8(at, value);
  }

  #check(at: number, width: Width): void {
    if (at + width > unmappedPage && at < unmappedPage + 4096) throw new RangeError('page fault');
  }
}

function flagsOfDifference(left: number, right: number, width: Width): string {
  const bits = width * 8;
  const result = (left - right) >>> 0;
  const top = (value: number): number => (value >>> (bits - 1)) & 1;
  const low = width === 4 ? result : result & (2 ** bits - 1);
  let parity = low & 0xff;
  parity ^= parity >> 4;
  const even = ((0x9669 >> (parity & 15)) & 1) === 1;
  return [
    top(left) !== top(right) && top(left) !== top(low) ? 'o' : '',
    top(low) === 1 ? 's' : '',
    low === 0 ? 'z' : '',
    (left & 15) < (right & 15) ? 'a' : '',
    even ? 'p' : '',
    left < right ? 'c' : '',
  ].join('');
}

function model(name: string, width: Width, prefix: string, memory: Model, start: Start): End {
  const end: End = { ...start, flags: '', fault: -1 };
  const step = start.down ? -width : width;
  const accumulator = width === 4 ? start.eax >>> 0 : start.eax & (2 ** (8 * width) - 1);
  try {
    while (end.ecx !== 0) {
      const usesSource = name === 'movs' || name === 'cmps';
      let goesOn = true;
      if (name === 'movs') memory.store(end.edi, width, memory.load(end.esi, width));
      else if (name === 'stos') memory.store(end.edi, width, accumulator);
      else {
        const right = memory.load(end.edi, width);
        const left = name === 'scas' ? accumulator : memory.load(end.esi, width);
        end.flags = flagsOfDifference(left, right, width);
        goesOn = (prefix === 'repe') === (left === right);
      }
      if (usesSource) end.esi += step;
      end.edi += step;
      end.ecx -= 1;
      if (!goesOn) break;
    }
  } catch {
    end.fault = 14;
  }
  return { esi: end.esi, edi: end.edi, ecx: end.ecx, flags: end.flags, fault: end.fault };
}

/** Places near each other, near page borders, and near the page that faults. */
function startOf(random: (limit: number) => number, width: Width): Start {
  const near = (): number => {
    const page = dataFirst + 0x1000 * (1 + random(2));
    const place = random(3) === 0 ? page + random(40) - 20 : page + random(0x1000);
    return random(3) === 0 ? place : place & -width;
  };
  const esi = random(12) === 0 ? unmappedPage - 64 + random(32) : near();
  const apart = random(3) === 0 ? esi + random(80) - 40 : near();
  const edi = random(12) === 0 ? unmappedPage - 64 + random(32) : apart;
  const ecx = random(3) === 0 ? random(8) : random(2) === 0 ? random(80) : random(0x1000 / width);
  return { esi, edi, ecx, eax: random(3) * 0x0101_0101, down: random(3) === 0 };
}

function run(machine: TestMachine, text: string, start: Start): End {
  for (const register of ['esi', 'edi', 'ecx', 'eax'] as const) {
    machine.set(register, start[register]);
  }
  machine.flags = start.down ? 2 | directionFlag : 2;
  machine.execute(text);
  for (let more = 0; more < 5000 && machine.fault < 0 && machine.eip === codeAddress; more++) {
    machine.step();
  }
  const [esi, edi, ecx] = [machine.get('esi'), machine.get('edi'), machine.get('ecx')];
  return { esi, edi, ecx, flags: flagLetters(machine.flags), fault: machine.fault };
}

/** Compares a machine with the model from many starts; most bytes are equal: scans go on. */
function compare(machine: TestMachine, text: string, name: string, width: Width): void {
  const prefix = text.slice(0, text.indexOf(' '));
  for (let seed = 0; seed < 24; seed++) {
    const random = generator(seed * 31 + width);
    for (let at = dataFirst; at < dataFirst + dataBytes; at += 1) {
      machine.ram.setUint8(at, random(200) === 0 ? random(3) : 1);
    }
    for (let at = unmappedPage - 128; at < unmappedPage; at += 1) machine.ram.setUint8(at, 1);
    const start = startOf(random, width);
    const bytes = new Uint8Array(machine.ram.buffer, machine.ram.byteOffset, 0x4_0000);
    const memory = new Model(bytes.slice().buffer);
    const expected = model(name, width, prefix, memory, start);
    const found = run(machine, text, start);
    // A fault leaves the flags of the element before it, which the first element does not have.
    if (expected.flags === '') found.flags = '';
    expect(found, `${text}, seed ${seed}`).toEqual(expected);
    const after = new Uint8Array(memory.memory.buffer);
    const different = bytes.findIndex((byte, at) => at >= dataFirst && byte !== after[at]);
    expect(different, `${text}, seed ${seed}: memory`).toBe(-1);
  }
}

const moves = ['movs', 'stos'].flatMap((name) =>
  widths.map((width) => ['rep', name, width] as const),
);
const searches = ['cmps', 'scas'].flatMap((name) =>
  widths.flatMap((width) => [['repe', name, width] as const, ['repne', name, width] as const]),
);

describe.each([
  ['flat', true],
  ['segmented', false],
])('in %s code', (_, flat) => {
  const machine = new TestMachine(32, flat);

  it.each([...moves, ...searches])('%s %s of %i bytes', (prefix, name, width) => {
    compare(machine, `${prefix} ${name}${letter[width]}`, name, width);
  });
});

describe('a chunk', () => {
  it('ends where an operand comes to a page border, in both directions', () => {
    const machine = new TestMachine();
    const start = { esi: 0x1_0ffc, edi: 0x1_2000, ecx: 9, eax: 0, down: false };
    machine.set('esi', start.esi);
    machine.set('edi', start.edi);
    machine.set('ecx', 9);
    machine.execute('rep movsd');
    expect([machine.get('ecx'), machine.eip]).toEqual([8, codeAddress]);
    machine.flags = 2 | directionFlag;
    machine.set('esi', 0x1_1004);
    machine.set('edi', 0x1_2800);
    machine.set('ecx', 9);
    machine.execute('rep movsd');
    expect([machine.get('ecx'), machine.eip]).toEqual([7, codeAddress]);
  });

  it('is one element where elements are trapped', () => {
    const machine = new TestMachine();
    machine.setWord(CpuState.singleElements, 1);
    machine.set('edi', dataFirst);
    machine.set('ecx', 9);
    machine.execute('repne scasb');
    expect([machine.get('ecx'), machine.get('edi')]).toEqual([8, dataFirst + 1]);
  });

  it('is written in one piece where the host has to be told, and told of once', () => {
    const machine = new TestMachine();
    machine.tracedPage = 0x1_2000;
    machine.map((page) => page !== machine.tracedPage);
    for (const [flags, edi, told] of [
      [2, 0x1_2ff0, 0x1_2ff0],
      [2 | directionFlag, 0x1_2ffc, 0x1_2ff0],
    ] as const) {
      machine.flags = flags;
      machine.set('edi', edi);
      machine.set('ecx', 4);
      machine.set('eax', 0x1234_5678);
      machine.written.length = 0;
      machine.execute('rep stosd');
      expect(machine.written).toEqual([[told, 16]]);
      expect(machine.ram.getInt32(0x1_2ff0, true)).toBe(0x1234_5678);
      expect(machine.ram.getInt32(0x1_2ffc, true)).toBe(0x1234_5678);
      machine.ram.setInt32(0x1_2ff0, 0, true);
      machine.ram.setInt32(0x1_2ffc, 0, true);
    }
  });

  it('goes by element where accesses are checked for alignment', () => {
    const machine = new TestMachine();
    machine.setWord(CpuState.alignmentCheck, 1);
    machine.tracedPage = 0x1_2000;
    machine.map((page) => page !== machine.tracedPage);
    machine.set('edi', 0x1_2000);
    machine.set('ecx', 2);
    machine.written.length = 0;
    machine.execute('rep stosd');
    expect([machine.written.length, machine.fault]).toEqual([0, 14]);
  });

  it('does not go round the end of a 64 KiB segment in one piece', () => {
    for (const [flags, di, end] of [
      [2, 0xfffe, 2],
      [2 | directionFlag, 1, 0xfffd],
    ] as const) {
      const machine = new TestMachine(16, false);
      machine.flags = flags;
      machine.setSegment(SegmentRegister.es, 0x1_0000, 0xffff);
      machine.set('edi', di);
      machine.set('ecx', 4);
      machine.set('eax', 0x77);
      machine.execute('rep stosb');
      for (let more = 0; more < 4 && machine.eip === codeAddress; more++) machine.step();
      expect([machine.get('edi'), machine.get('ecx')]).toEqual([end, 0]);
      expect(machine.ram.getUint8(0x1_ffff)).toBe(0x77);
      expect(machine.ram.getUint8(0x1_0000)).toBe(0x77);
      expect(machine.ram.getUint8(0x2_0000)).toBe(0);
    }
  });
});
