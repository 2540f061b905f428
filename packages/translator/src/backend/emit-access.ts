/**
 * Guest memory accesses: the inline shadow-table lookup of ARCHITECTURE.md, "The life of a memory
 * access", with calls of the slow path behind it.
 */
import { CpuState, Layout } from '@ringfence/memory';
import type { FunctionBody } from '@ringfence/wasm';
import type { AccessGroup, Value } from '../ir/value.ts';
import { emitGroupLookup, emitLookup, readEntry, writeEntry } from './emit-lookup.ts';
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

/** Value of a modify's host address when the slow path served it. */
const servedSlowly = -1;

/** Emits `guest.*` operations; `push` pushes an argument, `emit` writes a block. */
export class AccessEmitter {
  readonly #target: EmitTarget;
  readonly #body: FunctionBody;
  readonly #push: (value: Value) => void;
  readonly #emit: (list: readonly Value[]) => void;

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
      this.#findGroup(value, linear);
      this.#pushPlace(value, value.group);
      body.memory(value.name, Layout.ram + value.displacement - value.group.low);
      return;
    }
    const entry = body.local('i32');
    emitLookup(this.#target, linear, entry, readEntry, info.bytes);
    if (this.#bails(value)) {
      body.get(linear);
      body.get(entry);
      body.op('i32.add');
      body.memory(value.name, Layout.ram);
      return;
    }
    const label = body.if(info.type);
    this.#slowLoad(linear, info, 'load');
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
      this.#findGroup(value, linear);
      this.#pushPlace(value, value.group);
      content();
      body.memory(value.name, Layout.ram + value.displacement - value.group.low);
      return;
    }
    const entry = body.local('i32');
    emitLookup(this.#target, linear, entry, writeEntry, info.bytes);
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
      this.#findGroup(value, linear);
      this.#pushPlace(value, value.group);
      body.i32(value.displacement - value.group.low);
      body.op('i32.add');
      body.tee(host);
      body.memory(value.name, Layout.ram);
      return;
    }
    emitLookup(this.#target, linear, host, writeEntry, info.bytes);
    if (this.#bails(value)) {
      body.get(linear);
      body.get(host);
      body.op('i32.add');
      body.tee(host);
      body.memory(value.name, Layout.ram);
      return;
    }
    const label = body.if(info.type);
    this.#slowLoad(linear, info, 'modify');
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
    this.#slowStore(modify.position, info, content, false);
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
    emitLookup(this.#target, linear, entry, writeEntry, 1);
    body.get(linear);
    body.get(last);
    body.op('i32.xor');
    body.i32(12);
    body.op('i32.shr_u');
    body.op('i32.or');
    // Whether an access is misaligned is for the slow path to say.
    body.i32(0);
    body.memory('i32.load', CpuState.alignmentCheck);
    body.op('i32.or');
    if (this.#bails(value)) return;
    const label = body.if();
    body.get(linear);
    body.i32(value.imm);
    this.#target.beforeSlow();
    body.call(this.#target.functionIndex('probe'));
    this.#target.afterSlow();
    this.#checkFault();
    body.end(label);
  }

  /** Looks a group's range up at the first of its accesses, which is given up if that fails. */
  #findGroup(value: Value, base: number): void {
    const { group } = value;
    if (group === undefined || group.local >= 0) return;
    group.local = this.#body.local('i32');
    emitGroupLookup(this.#target, group, base);
    if (!this.#bails(value)) throw new Error('ir: a group where accesses have a slow path');
  }

  /** Pushes the address of a group's lowest byte, plus the index if there is one. */
  #pushPlace(value: Value, group: AccessGroup): void {
    const body = this.#body;
    const index = value.isIndexed ? value.args[value.args.length - 1] : undefined;
    body.get(group.local);
    if (index === undefined) return;
    this.#push(index);
    body.op('i32.add');
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

  #slowLoad(linear: number, info: AccessInfo, what: 'load' | 'modify'): void {
    const body = this.#body;
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
    this.#target.beforeSlow();
    if (info.bytes === 16) {
      body.i32(0);
      content();
      body.memory('v128.store', CpuState.transfer);
      body.get(linear);
    } else {
      body.get(linear);
      content();
    }
    body.call(this.#target.functionIndex(`store${info.bytes * 8}`));
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
