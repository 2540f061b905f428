/**
 * Guest memory accesses: the inline shadow-table lookup of ARCHITECTURE.md, "The life of a memory
 * access", with calls of the slow path behind it.
 */
import { CpuState, Layout } from '@ringfence/memory';
import type { FunctionBody, Label, ValueType } from '@ringfence/wasm';
import type { AccessGroup, Value } from '../ir/value.ts';
import type { EmitTarget } from './emit-target.ts';

interface AccessInfo {
  readonly bytes: number;
  readonly type: 'i32' | 'i64' | 'v128';
  /** Instruction that sign-extends what the slow path returned zero-extended. */
  readonly extend?: string;
}

const accesses: Readonly<Record<string, AccessInfo>> = {
  'i32.load8_u': { bytes: 1, type: 'i32' },
  'i32.load8_s': { bytes: 1, type: 'i32', extend: 'i32.extend8_s' },
  'i32.load16_u': { bytes: 2, type: 'i32' },
  'i32.load16_s': { bytes: 2, type: 'i32', extend: 'i32.extend16_s' },
  'i32.load': { bytes: 4, type: 'i32' },
  'i64.load': { bytes: 8, type: 'i64' },
  'v128.load': { bytes: 16, type: 'v128' },
  'i32.store8': { bytes: 1, type: 'i32' },
  'i32.store16': { bytes: 2, type: 'i32' },
  'i32.store': { bytes: 4, type: 'i32' },
  'i64.store': { bytes: 8, type: 'i64' },
  'v128.store': { bytes: 16, type: 'v128' },
};

function infoOf(name: string): AccessInfo {
  const info = accesses[name];
  if (info === undefined) throw new Error(`ir: no guest access by ${name}`);
  return info;
}

/** Byte offset of the entry for reads and for writes in a leaf's pair. */
const readEntry = 0;
const writeEntry = 4;

/** Value of a modify's host address when the slow path served it. */
const servedSlowly = -1;

/** Emits `guest.*` operations; `push` pushes an argument, `emit` writes a block. */
export class AccessEmitter {
  readonly #target: EmitTarget;
  readonly #body: FunctionBody;
  readonly #push: (value: Value) => void;
  readonly #emit: (list: readonly Value[]) => void;
  /** Groups of which something may be known. */
  readonly #groups: AccessGroup[] = [];

  constructor(
    target: EmitTarget,
    push: (value: Value) => void,
    emit: (list: readonly Value[]) => void,
  ) {
    this.#target = target;
    this.#body = target.body;
    this.#push = push;
    this.#emit = emit;
  }

  /** Leaves the loaded value on the stack. */
  load(value: Value): void {
    const body = this.#body;
    const info = infoOf(value.name);
    const linear = this.#linear(value.args[0] as Value);
    if (value.group !== undefined) {
      const label = this.#ifUnknown(value.group, linear, info.type);
      this.#slowLoad(this.#near(value, linear), value.name, info, 'load');
      body.else();
      body.get(value.group.local);
      body.memory(value.name, Layout.ram + value.displacement - value.group.low);
      body.end(label);
      return;
    }
    const entry = body.local('i32');
    this.#lookup(linear, entry, readEntry, info.bytes);
    if (this.#bails(value)) {
      body.get(linear);
      body.get(entry);
      body.op('i32.add');
      body.memory(value.name, Layout.ram);
      return;
    }
    const label = body.if(info.type);
    this.#slowLoad(linear, value.name, info, 'load');
    body.else();
    body.get(linear);
    body.get(entry);
    body.op('i32.add');
    body.memory(value.name, Layout.ram);
    body.end(label);
  }

  store(value: Value): void {
    const body = this.#body;
    const info = infoOf(value.name);
    const linear = this.#linear(value.args[0] as Value);
    const content = this.#content(value.args[1] as Value, info);
    if (value.group !== undefined) {
      const label = this.#ifUnknown(value.group, linear);
      this.#slowStore(this.#near(value, linear), info, content, true);
      body.else();
      body.get(value.group.local);
      content();
      body.memory(value.name, Layout.ram + value.displacement - value.group.low);
      body.end(label);
      return;
    }
    const entry = body.local('i32');
    this.#lookup(linear, entry, writeEntry, info.bytes);
    if (this.#bails(value)) {
      body.get(linear);
      body.get(entry);
      body.op('i32.add');
      content();
      body.memory(value.name, Layout.ram);
      return;
    }
    const label = body.if();
    this.#slowStore(linear, info, content, true);
    body.else();
    body.get(linear);
    body.get(entry);
    body.op('i32.add');
    content();
    body.memory(value.name, Layout.ram);
    body.end(label);
  }

  /** Leaves the loaded value on the stack and remembers where the commit writes. */
  modify(value: Value): void {
    const body = this.#body;
    const info = infoOf(value.name);
    const linear = this.#linear(value.args[0] as Value);
    const host = body.local('i32');
    value.hostLocal = host;
    value.position = linear;
    if (value.group !== undefined) {
      const label = this.#ifUnknown(value.group, linear, info.type);
      this.#slowLoad(this.#near(value, linear), value.name, info, 'modify');
      body.i32(servedSlowly);
      body.set(host);
      body.else();
      body.get(value.group.local);
      body.i32(value.displacement - value.group.low);
      body.op('i32.add');
      body.tee(host);
      body.memory(value.name, Layout.ram);
      body.end(label);
      return;
    }
    this.#lookup(linear, host, writeEntry, info.bytes);
    if (this.#bails(value)) {
      body.get(linear);
      body.get(host);
      body.op('i32.add');
      body.tee(host);
      body.memory(value.name, Layout.ram);
      return;
    }
    const label = body.if(info.type);
    this.#slowLoad(linear, value.name, info, 'modify');
    body.i32(servedSlowly);
    body.set(host);
    body.else();
    body.get(linear);
    body.get(host);
    body.op('i32.add');
    body.tee(host);
    body.memory(value.name, Layout.ram);
    body.end(label);
  }

  commit(value: Value): void {
    const body = this.#body;
    const modify = value.target;
    if (modify === undefined || modify.hostLocal < 0) throw new Error('ir: commit without modify');
    const info = infoOf(value.name);
    const content = this.#content(value.args[0] as Value, info);
    if (this.#target.bail !== undefined) {
      body.get(modify.hostLocal);
      content();
      body.memory(value.name, Layout.ram);
      return;
    }
    body.get(modify.hostLocal);
    body.i32(servedSlowly);
    body.op('i32.eq');
    const label = body.if();
    this.#slowStore(this.#near(modify, modify.position), info, content, false);
    body.else();
    body.get(modify.hostLocal);
    content();
    body.memory(value.name, Layout.ram);
    body.end(label);
  }

  probe(value: Value): void {
    const body = this.#body;
    const linear = this.#linear(value.args[0] as Value);
    const entry = body.local('i32');
    const last = body.local('i32');
    // Both ends of the range: it crosses at most one page border.
    body.get(linear);
    body.i32(value.imm - 1);
    body.op('i32.add');
    body.set(last);
    this.#lookup(linear, entry, writeEntry, 1);
    body.get(linear);
    body.get(last);
    body.op('i32.xor');
    body.i32(12);
    body.op('i32.shr_u');
    body.op('i32.or');
    if (this.#bails(value)) return;
    const label = body.if();
    body.get(linear);
    body.i32(value.imm);
    if (this.#target.slowAccess === undefined) {
      this.#target.beforeSlow();
      body.call(this.#target.functionIndex('probe'));
      this.#target.afterSlow();
      this.#checkFault();
    } else {
      this.#target.slowAccess('probe');
      this.#forgetGroups();
    }
    body.end(label);
  }

  /**
   * Begins an `if` for what the fast path does not serve of a group; the first access looks the
   * group's range up.
   */
  #ifUnknown(group: AccessGroup, base: number, type?: ValueType): Label {
    const body = this.#body;
    if (group.local < 0) {
      group.local = body.local('i32');
      this.#find(group, base);
      this.#groups.push(group);
    }
    body.get(group.local);
    body.i32(-1);
    body.op('i32.eq');
    return type === undefined ? body.if() : body.if(type);
  }

  /** Sets a group's local: the range in one page, and alignment not asked for. */
  #find(group: AccessGroup, base: number): void {
    const body = this.#body;
    const first = body.local('i32');
    const entry = body.local('i32');
    body.i32(-1);
    body.set(group.local);
    body.get(base);
    body.i32(group.low);
    body.op('i32.add');
    body.set(first);
    this.#lookup(first, entry, group.writes ? writeEntry : readEntry, 1);
    body.get(first);
    body.get(first);
    body.i32(group.bytes - 1);
    body.op('i32.add');
    body.op('i32.xor');
    body.i32(12);
    body.op('i32.shr_u');
    body.op('i32.or');
    body.i32(0);
    body.memory('i32.load', CpuState.alignmentCheck);
    body.op('i32.or');
    body.op('i32.eqz');
    const served = body.if();
    body.get(first);
    body.get(entry);
    body.op('i32.add');
    body.set(group.local);
    body.end(served);
  }

  /** What slow accesses change may be what was found. */
  #forgetGroups(): void {
    for (const group of this.#groups) {
      this.#body.i32(-1);
      this.#body.set(group.local);
    }
  }

  /** The local of an access's linear address, computed from the base for one of a group. */
  #near(value: Value, base: number): number {
    if (value.group === undefined || value.displacement === 0) return base;
    const body = this.#body;
    const linear = body.local('i32');
    body.get(base);
    body.i32(value.displacement);
    body.op('i32.add');
    body.set(linear);
    return linear;
  }

  /** Where the target gives up instead of taking a slow path: does that on the condition pushed. */
  #bails(value: Value): boolean {
    if (this.#target.bailIf === undefined) return false;
    const [prepare] = value.blocks ?? [];
    this.#target.bailIf(prepare === undefined ? undefined : () => this.#emit(prepare));
    return true;
  }

  /** Puts the linear address into a local. */
  #linear(value: Value): number {
    if (value.local >= 0) return value.local;
    const local = this.#body.local('i32');
    this.#push(value);
    this.#body.set(local);
    return local;
  }

  /** A way to push the value to store any number of times. */
  #content(value: Value, info: AccessInfo): () => void {
    if (value.isConst || value.local >= 0) return () => this.#push(value);
    const local = this.#body.local(info.type);
    this.#push(value);
    this.#body.set(local);
    return () => this.#body.get(local);
  }

  /**
   * Sets `entry` and leaves a condition on the stack: nonzero when the fast path does not serve.
   */
  #lookup(linear: number, entry: number, kind: number, bytes: number): void {
    const body = this.#body;
    this.#target.pushDirectory();
    body.get(linear);
    body.i32(20);
    body.op('i32.shr_u');
    body.i32(0xffc);
    body.op('i32.and');
    body.op('i32.add');
    body.memory('i32.load', 0);
    body.get(linear);
    body.i32(9);
    body.op('i32.shr_u');
    body.i32(0x1ff8);
    body.op('i32.and');
    body.op('i32.add');
    body.memory('i32.load', kind);
    body.tee(entry);
    if (bytes === 1) {
      body.i32(1);
      body.op('i32.and');
      return;
    }
    body.get(linear);
    body.op('i32.or');
    body.i32(bytes - 1);
    body.op('i32.and');
  }

  #slowLoad(linear: number, load: string, info: AccessInfo, what: 'load' | 'modify'): void {
    const body = this.#body;
    if (this.#target.slowAccess !== undefined) {
      body.get(linear);
      this.#target.slowAccess(`${what}${info.bytes * 8}`);
      this.#forgetGroups();
      body.i32(0);
      body.memory(load, CpuState.transfer);
      return;
    }
    this.#target.beforeSlow();
    body.get(linear);
    body.call(this.#target.functionIndex(`${what}${info.bytes * 8}`));
    if (info.bytes === 16) {
      this.#target.afterSlow();
      this.#checkFault();
      body.i32(0);
      body.memory('v128.load', CpuState.transfer);
      return;
    }
    const result = body.local(info.type);
    body.set(result);
    this.#target.afterSlow();
    this.#checkFault();
    body.get(result);
    if (info.extend !== undefined) body.op(info.extend);
  }

  /** `mayFault`: false where a modify has found out already. */
  #slowStore(linear: number, info: AccessInfo, content: () => void, mayFault: boolean): void {
    const body = this.#body;
    if (this.#target.slowAccess === undefined) this.#target.beforeSlow();
    if (info.bytes === 16) {
      body.i32(0);
      content();
      body.memory('v128.store', CpuState.transfer);
      body.get(linear);
    } else {
      body.get(linear);
      content();
    }
    const name = `store${info.bytes * 8}`;
    if (this.#target.slowAccess !== undefined) {
      this.#target.slowAccess(name);
      this.#forgetGroups();
      return;
    }
    body.call(this.#target.functionIndex(name));
    this.#target.afterSlow();
    if (mayFault) this.#checkFault();
  }

  #checkFault(): void {
    const body = this.#body;
    body.i32(0);
    body.memory('i32.load', CpuState.faultVector);
    body.i32(0);
    body.op('i32.ge_s');
    const label = body.if();
    this.#target.leave();
    body.end(label);
  }
}
