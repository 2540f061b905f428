/** Whoever remembers what exec directories lead to is told whenever that changes. */
import { CpuState, JumpCacheField, Layout } from '@ringfence/memory';
import { describe, expect, it } from 'vitest';
import { Access, Privilege } from './paging-bits.ts';
import { pwu, TestGuest } from './test-guest.ts';

const isFilled = (Layout.jumpCache + JumpCacheField.isFilled) >> 2;

const directories = [0x1000, 0x3000, 0x4000, 0x5000, 0x6000, 0x7000];
const tables = [0x2000, 0x8000, 0x9000];
const regions = [0, 1, 5];
const frames = [0x20, 0x21, 0x22, 0x23];

/** A guest that remembers, as generated code does, what it found at linear addresses. */
class Rememberer {
  readonly guest = new TestGuest({ spaces: 6, leaves: 5 }).enable();
  readonly #remembered = new Map<string, number>();
  /** How often something was remembered still, and how often all was forgotten. */
  hits = 0;
  losses = 0;

  /** Goes to a linear address, if it is mapped; what is remembered of it has to be true. */
  jump(linear: number): void {
    const { machine, shadow } = this.guest;
    const { i32 } = machine;
    this.#forget();
    const key = `${String(i32[CpuState.dirExec >>> 2])} ${String(linear)}`;
    const known = this.#remembered.get(key);
    if (known !== undefined) {
      this.hits += 1;
      expect(this.guest.exec(linear)).toBe(known);
      return;
    }
    const privilege = i32[CpuState.isUser >>> 2] === 0 ? Privilege.supervisor : Privilege.user;
    shadow.fill(linear, Access.execute, privilege);
    // That may have taken room from something else.
    this.#forget();
    const found = this.guest.exec(linear);
    if (found === 0) return;
    i32[isFilled] = 1;
    this.#remembered.set(key, found);
  }

  /** Remembers nothing if that was asked for. */
  #forget(): void {
    if (this.guest.machine.i32[isFilled] !== 0) return;
    if (this.#remembered.size > 0) this.losses += 1;
    this.#remembered.clear();
  }
}

describe('what was found in exec directories', () => {
  it.each([1, 2, 3, 4])('is forgotten before it is wrong, whatever the guest does (%i)', (seed) => {
    const rememberer = new Rememberer();
    const { guest } = rememberer;
    let state = seed;
    const pick = <T>(list: readonly T[]): T => {
      state = (Math.imul(state, 0x343fd) + 0x269ec3) >>> 0;
      return list[(state >>> 16) % list.length] as T;
    };
    const linear = (): number => pick(regions) * 0x40_0000 + pick([1, 2, 3]) * 4096;
    const pointer = (): number => pick([...tables.map((table) => table | pwu), 0, 0x87]);
    const changes: readonly (() => void)[] = [
      () => guest.physical.write32(pick(directories) + pick(regions) * 4, pointer()),
      () => guest.physical.write32(pick(tables) + pick([1, 2, 3]) * 4, (pick(frames) << 12) | pwu),
      () => guest.physical.write32(pick(tables) + pick([1, 2, 3]) * 4, 0),
      () => void guest.shadow.loadCr3(pick(directories)),
      () => void guest.shadow.loadCr3(pick(directories)),
      () => guest.shadow.setPrivilege(pick([true, false]), false),
      () => guest.shadow.revokeExec(pick(frames)),
      () => void guest.shadow.setControl(pick([0x8000_0001, 0x8001_0001]), pick([0, 0x10]), 0),
      () => {
        if (pick([0, 1, 2, 3, 4, 5, 6, 7]) === 0) guest.shadow.flush();
      },
    ];
    for (let step = 0; step < 6000; step++) {
      for (let jumps = 0; jumps < 4; jumps++) rememberer.jump(linear());
      pick(changes)();
    }
    expect(rememberer.hits).toBeGreaterThan(200);
    expect(rememberer.losses).toBeGreaterThan(200);
  });
});
