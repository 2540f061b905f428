import { CpuState, Layout, MachineMemory, PhysicalMemory, TraceOwnerId } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { Access, Privilege } from './paging-bits.ts';
import { FillResult, ShadowPaging } from './shadow-paging.ts';
import { leafStart } from './space-pool.ts';
import { referenceWalk, type ReferenceState } from './test-reference-walker.ts';

const accesses = ['read', 'write', 'execute'] as const;
const privileges = ['supervisor', 'user', 'system'] as const;
const regions = [0, 1, 0x200, 0x300, 0x301, 0x3ff];
const romPage = 0xe0;
const mmioPage = 0xb8;
const ramPages = 256;
/** Pages 0.. that serve as page directories, then those that serve as page tables. */
const directories = 6;
const tables = 12;
const tablePages = directories + tables;

/** A small deterministic generator (a 32-bit xorshift). */
function generator(seed: number): (bound: number) => number {
  let state = seed | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** One guest with random tables, its shadow, and the reference state beside it. */
class Rig {
  readonly machine = new MachineMemory({ ramBytes: 1 << 20, extraBytes: 0x10000 });
  readonly physical = new PhysicalMemory(this.machine);
  readonly shadow: ShadowPaging;
  readonly outcomes: number[] = [0, 0, 0, 0];
  private readonly rom = this.machine.reserve(0x2000);
  readonly random: (bound: number) => number;
  readonly state: ReferenceState;
  user = false;
  /** The format of the tables that this guest writes. */
  private readonly pae: boolean;
  private cr0 = 0;
  private cr4 = 0;
  private efer = 0;

  constructor(seed: number, leaves: number, spaces: number) {
    this.random = generator(seed);
    const physicalBits = [32, 36, 40, 52][this.random(4)] ?? 40;
    const softwareBits = this.random(4) === 0;
    this.physical.mapRam(0, ramPages * 4096, Layout.ram);
    this.physical.mapRom(romPage << 12, 0x2000, this.rom);
    const readMmio = (): number => 0xffff_ffff;
    this.physical.mapMmio(mmioPage << 12, 0x1000, { readMmio, writeMmio: () => undefined });
    const source = { execEntry: (page: number): number => (page + 1) * 16 };
    const options = { physicalBits, softwareBits, leaves, spaces };
    this.shadow = new ShadowPaging(this.physical, source, options);
    this.state = {
      paging: false,
      pae: false,
      pse: false,
      wp: false,
      nxe: false,
      smep: false,
      smap: false,
      ac: false,
      cr3: 0n,
      pointers: [0n, 0n, 0n, 0n],
      physicalBits,
      softwareBits,
    };
    this.pae = this.random(2) === 0;
    for (let index = 0; index < 3000; index += 1) this.writeTable();
    this.state.pae = !this.pae;
    this.setControl(1);
    this.setControl(0);
  }

  read = (address: bigint, bytes: number): bigint => {
    if (address >= 1n << 32n) return bytes === 8 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn;
    const low = BigInt(this.physical.read32(Number(address)) >>> 0);
    if (bytes === 4) return low;
    return low | (BigInt(this.physical.read32(Number(address) + 4) >>> 0) << 32n);
  };

  /** A low word that makes sense as an entry leading to `page`; now and then one that does not. */
  private word(page: number): number {
    const kind = this.random(64);
    if (kind === 0) return this.random(0x7fff_ffff) << 1;
    if (kind < 8) return page << 12;
    const keep = this.random(4) === 0 ? 0x06 : 0x67;
    const large = this.random(24) === 0 ? 0x80 : 0;
    const restrict = this.random(3) === 0 ? this.random(256) : 0xff;
    return (page << 12) | 1 | (keep & restrict) | large;
  }

  /** A page that an entry may lead to. */
  private target(): number {
    const kind = this.random(16);
    if (kind === 0) return this.random(tablePages);
    if (kind === 1) return romPage + this.random(2);
    if (kind === 2) return mmioPage;
    if (kind === 3) return 0x100 + this.random(64);
    return this.random(ramPages);
  }

  /** Writes a random entry at a place that walks use, as the guest's kernel would. */
  writeTable(): void {
    const linear = this.linear();
    const directory = this.random(3) === 0;
    const page = directory ? this.random(directories) : directories + this.random(tables);
    const next = directory ? directories + this.random(tables) : this.target();
    const large = directory && this.random(10) === 0 ? 0x80 : 0;
    const low = this.word(large === 0 ? next : next & ~0x1ff) | large;
    if (!this.pae) {
      this.physical.write32(
        (page << 12) | (((linear >>> (directory ? 22 : 12)) & 0x3ff) << 2),
        low,
      );
      return;
    }
    const top = this.random(6);
    const high = top === 0 ? 0x8000_0000 : top === 1 ? 1 << this.random(31) : 0;
    const address = (page << 12) | (((linear >>> (directory ? 21 : 12)) & 0x1ff) << 3);
    if (this.random(2) === 0)
      this.physical.write64(address, low, this.random(4) ? high & -0x8000_0000 : high);
    else this.physical.write32(address, low);
  }

  /** A word for a random store. */
  entry(): number {
    return this.random(4) === 0 ? this.random(0x7fff_ffff) << 1 : this.word(this.target());
  }

  table(): number {
    return this.random(directories) << 12;
  }

  linear(): number {
    const region = regions[this.random(regions.length)] ?? 0;
    const page = this.random(16) > 0 ? this.random(8) + (this.random(2) ? 512 : 0) : 1023;
    return ((region << 22) | (page << 12) | (this.random(1024) << 2)) >>> 0;
  }

  setControl(flip: number): void {
    const { state } = this;
    if (flip === 0) state.paging = !state.paging;
    if (flip === 1) state.pae = !state.pae;
    if (flip === 2) state.pse = !state.pse;
    if (flip === 3) state.wp = !state.wp;
    if (flip === 4) state.nxe = !state.nxe;
    if (flip === 5) state.smep = !state.smep;
    if (flip === 6) state.smap = !state.smap;
    const cr0 = (state.paging ? 0x8000_0000 : 0) | (state.wp ? 0x1_0000 : 0) | 1;
    const cr4 =
      (state.pae ? 0x20 : 0) |
      (state.pse ? 0x10 : 0) |
      (state.smep ? 0x10_0000 : 0) |
      (state.smap ? 0x20_0000 : 0);
    const efer = state.nxe ? 0x800 : 0;
    const wasPae = (this.cr0 & 0x8000_0000) !== 0 && (this.cr4 & 0x20) !== 0;
    const load = state.paging && state.pae && (!wasPae || ((cr4 ^ this.cr4) & 0x10_0030) !== 0);
    if (load) this.fixPointers(state.cr3);
    expect(this.shadow.setControl(cr0, cr4, efer)).toBe(true);
    if (load) this.readPointers();
    this.cr0 = cr0;
    this.cr4 = cr4;
    this.efer = efer;
  }

  loadCr3(): void {
    const cr3 = this.table() | (this.random(4) << 5);
    const { state } = this;
    if (state.paging && state.pae) this.fixPointers(BigInt(cr3));
    expect(this.shadow.loadCr3(cr3)).toBe(true);
    state.cr3 = BigInt(cr3);
    if (state.paging && state.pae) this.readPointers();
  }

  /** Makes the four pointers that a load will see free of reserved bits. */
  private fixPointers(cr3: bigint): void {
    const table = Number(cr3 & 0xffff_ffe0n);
    for (let index = 0; index < 4; index += 1) {
      const low = this.random(8) === 0 ? 0 : this.table() | 1;
      this.physical.write64(table + index * 8, low, 0);
    }
  }

  private readPointers(): void {
    const table = this.state.cr3 & 0xffff_ffe0n;
    this.state.pointers = [0n, 8n, 16n, 24n].map((offset) => this.read(table + offset, 8));
  }

  setPrivilege(): void {
    this.user = this.random(2) === 0;
    this.state.ac = this.random(2) === 0;
    this.shadow.setPrivilege(this.user, this.state.ac);
  }

  /** A store of the guest to a random place: by the fast path where the shadow allows it. */
  store(): void {
    const linear = this.linear();
    const value = this.entry();
    const shadow = this.shadow;
    const result = shadow.fill(linear, Access.write, Privilege.supervisor);
    if (result === FillResult.ok) this.machine.view.setInt32(shadow.address, value, true);
    if (result === FillResult.uncached) this.physical.write32(shadow.physical, value);
  }

  /** One access, compared with the reference in result, address, error code, and A and D bits. */
  access(): void {
    const linear = this.linear();
    const access = this.random(3);
    const privilege = this.random(3);
    const expected = referenceWalk(
      this.state,
      this.read,
      BigInt(linear),
      accesses[access] ?? 'read',
      privileges[privilege] ?? 'user',
    );
    const entries = expected.updates.map(({ address, bit }) => {
      const page = Number(address >> 12n);
      const before = this.physical.read32(Number(address));
      const fixed = this.physical.writeTarget(page) < 0;
      return { address: Number(address), after: fixed ? before : before | Number(bit) };
    });
    const result = this.shadow.fill(linear, access, privilege);
    if (expected.fault) {
      expect(result).toBe(FillResult.fault);
      expect(this.shadow.errorCode).toBe(expected.errorCode);
    } else if (expected.physical >= 1n << 32n) {
      expect(result).toBe(FillResult.hole);
    } else {
      this.checkPlace(result, access, this.gated(expected.physical));
    }
    this.outcomes[result] = (this.outcomes[result] ?? 0) + 1;
    const after = new Map<number, number>();
    for (const entry of entries) {
      after.set(entry.address, (after.get(entry.address) ?? 0) | entry.after);
    }
    for (const [address, value] of after) expect(this.physical.read32(address)).toBe(value);
  }

  /** A physical address behind the A20 gate. */
  private gated(physical: bigint): number {
    return Number(this.physical.a20 ? physical : physical & ~0x10_0000n);
  }

  /** Changes what stands at the ROM's pages, as the chipset's shadow-RAM registers do. */
  remap(): void {
    const at = (romPage + this.random(2)) << 12;
    const ram = Layout.ram + at;
    const kind = this.random(4);
    if (kind === 0) this.physical.map(at, 4096, { read: this.rom });
    if (kind === 1) this.physical.map(at, 4096, { read: this.rom, write: ram });
    if (kind === 2) this.physical.map(at, 4096, { read: ram, write: ram });
    if (kind === 3) this.physical.unmap(at, 4096);
  }

  /** Adds or removes a trace of another owner. */
  trace(): void {
    const page = this.random(ramPages);
    const low = 1 << this.random(32);
    if (this.random(2) === 0) this.physical.traces.add(TraceOwnerId.code, page, low, 0);
    else this.physical.traces.remove(TraceOwnerId.code, page, -1, -1);
  }

  private checkPlace(result: number, access: number, physical: number): void {
    const page = physical >>> 12;
    const write = access === Access.write;
    const target = write ? this.physical.writeTarget(page) : this.physical.backing(page);
    const fast = write ? this.physical.writable(page) : target >= 0;
    expect(result).toBe(fast ? FillResult.ok : FillResult.uncached);
    if (fast) expect(this.shadow.address).toBe(target + (physical & 0xfff));
    else expect(this.shadow.physical).toBe(physical);
  }

  /** Every entry that generated code could use now says what the reference says. */
  checkDirectories(): void {
    const { i32 } = this.machine;
    const privilege = this.user ? 'user' : 'supervisor';
    const fields = [
      [CpuState.dirData, privilege],
      [CpuState.dirSystem, 'system'],
    ] as const;
    for (const [field, role] of fields) {
      const directory = i32[field >>> 2] ?? 0;
      for (const region of regions) {
        const leaf = leafStart(i32[(directory >>> 2) + region] ?? 0, region);
        for (let index = 0; index < 1024; index += 1) {
          const linear = ((region << 22) | (index << 12)) >>> 0;
          this.checkEntry(linear, i32[(leaf >>> 2) + index * 2] ?? 0, 'read', role);
          this.checkEntry(linear, i32[(leaf >>> 2) + index * 2 + 1] ?? 0, 'write', role);
        }
      }
    }
    const directory = i32[CpuState.dirExec >>> 2] ?? 0;
    for (const region of regions) {
      const leaf = i32[(directory >>> 2) + region] ?? 0;
      for (let index = 0; index < 1024; index += 1) {
        const exec = i32[(leaf >>> 2) + index] ?? 0;
        if (exec === 0) continue;
        const linear = ((region << 22) | (index << 12)) >>> 0;
        const expected = this.walkSettled(linear, 'execute', privilege);
        expect(exec).toBe(((this.gated(expected) >>> 12) + 1) * 16);
      }
    }
  }

  private checkEntry(
    linear: number,
    entry: number,
    access: 'read' | 'write',
    role: 'user' | 'supervisor' | 'system',
  ): void {
    if (entry === 1) return;
    const physical = this.gated(this.walkSettled(linear, access, role));
    if ((entry & 1) !== 0) {
      const page = entry >>> 12;
      const target = this.physical.writeTarget(page);
      const same = target >= 0 && target === this.physical.backing(page);
      expect(entry & 0xfff).toBe(access === 'write' && same ? 7 : 3);
      expect(entry >>> 12).toBe(physical >>> 12);
      return;
    }
    const page = physical >>> 12;
    const write = access === 'write';
    if (write) expect(this.physical.writable(page)).toBe(true);
    const target = write ? this.physical.writeTarget(page) : this.physical.backing(page);
    expect((Layout.ram + linear + entry) >>> 0).toBe(target);
  }

  /** Walks for an access that must be allowed with its A and D bits already set. */
  private walkSettled(
    linear: number,
    access: 'read' | 'write' | 'execute',
    role: 'user' | 'supervisor' | 'system',
  ): bigint {
    const found = referenceWalk(this.state, this.read, BigInt(linear), access, role);
    if (found.fault) throw new Error(`0x${linear.toString(16)}: ${access} by ${role} must fault`);
    for (const { address, bit } of found.updates) {
      if (this.physical.writeTarget(Number(address >> 12n)) < 0) continue;
      expect(this.read(address, 4) & bit).toBe(bit);
    }
    return found.physical;
  }
}

function run(seed: number, steps: number, leaves: number, spaces: number): Rig {
  const rig = new Rig(seed, leaves, spaces);
  for (let step = 0; step < steps; step += 1) {
    const kind = rig.random(100);
    if (kind === 0) rig.setControl(2 + rig.random(6));
    else if (kind === 1 && rig.random(8) === 0) rig.setControl(rig.random(2));
    else if (kind < 8) rig.loadCr3();
    else if (kind < 14) rig.setPrivilege();
    else if (kind < 30) rig.writeTable();
    else if (kind < 31 && rig.random(4) === 0) {
      rig.physical.write(rig.random(tablePages) << 12, new Uint8Array(4096));
      for (let index = 0; index < 100; index += 1) rig.writeTable();
    } else if (kind < 48) rig.store();
    else if (kind < 49) rig.physical.setA20(rig.random(4) > 0);
    else if (kind < 50) rig.remap();
    else if (kind < 52) rig.trace();
    else rig.access();
    if (step % 50 === 0 || kind < 8 || kind === 48 || kind === 49) rig.checkDirectories();
  }
  return rig;
}

describe('shadow entries under random guests', () => {
  it('agree with the reference walk after every step, in every mode', () => {
    const outcomes = [0, 0, 0, 0];
    for (let seed = 1; seed <= 16; seed += 1) {
      const rig = run(seed * 7919, 1200, 512, 256);
      rig.outcomes.forEach((count, result) => (outcomes[result] = (outcomes[result] ?? 0) + count));
    }
    for (const count of outcomes) expect(count).toBeGreaterThan(20);
  }, 300_000);

  it('agree when both pools are far too small', () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const rig = run(seed * 104_729, 1000, 4, 4);
      expect(rig.shadow.statistics.evictions).toBeGreaterThan(0);
    }
  });
});
