/**
 * The xenstore: a tree that guests and back ends share, with watches and transactions (Xen,
 * docs/misc/xenstore.txt).
 */
import {
  countNodes,
  emptyTree,
  find,
  isAllowed,
  mostNodes,
  mostValueBytes,
  splitPath,
  withNode,
  withoutNode,
} from './tree.ts';
import type { StoreError, StoreNode, StorePermission } from './tree.ts';
import { fromText, toText } from './wire.ts';

/** Either a value or what went wrong. */
export type StoreResult<Value> =
  { readonly value: Value; readonly error?: undefined } | { readonly error: StoreError };

interface Watch {
  readonly owner: object;
  readonly names: readonly string[];
  readonly fire: (path: string) => void;
}

interface Transaction {
  readonly base: StoreNode;
  root: StoreNode;
  readonly changed: Set<string>;
}

/** The most transactions of one client at a time. */
export const mostTransactions = 10;
/** The most watches of one client. */
export const mostWatches = 128;

/** One tree with those who watch it. */
export class XenStore {
  #root: StoreNode = emptyTree();
  readonly #watches: Watch[] = [];
  readonly #transactions = new Map<number, Transaction>();
  #lastTransaction = 0;

  /** Empties the tree and forgets watches and transactions. */
  reset(): void {
    this.#root = emptyTree();
    this.#watches.length = 0;
    this.#transactions.clear();
  }

  /** Returns the tree as text. */
  save(): string {
    return JSON.stringify(plain(this.#root));
  }

  /** Replaces the tree by one that was saved; watches and transactions are forgotten. */
  restore(text: string): void {
    this.reset();
    this.#root = fromPlain(JSON.parse(text) as PlainNode);
  }

  /** Number of transactions that are open. */
  get openTransactions(): number {
    return this.#transactions.size;
  }

  /** Opens a transaction and returns its number, 0 where there are too many. */
  begin(): number {
    if (this.#transactions.size >= mostTransactions) {
      return 0;
    }
    this.#lastTransaction = (this.#lastTransaction % 0x7fff_ffff) + 1;
    const root = this.#root;
    this.#transactions.set(this.#lastTransaction, { base: root, root, changed: new Set() });
    return this.#lastTransaction;
  }

  /** Ends a transaction: EAGAIN where the tree changed under it, and nothing is done. */
  end(id: number, commit: boolean): StoreError | undefined {
    const transaction = this.#transactions.get(id);
    if (transaction === undefined) {
      return 'ENOENT';
    }
    this.#transactions.delete(id);
    if (!commit || transaction.changed.size === 0) {
      return undefined;
    }
    if (this.#root !== transaction.base) {
      return 'EAGAIN';
    }
    this.#root = transaction.root;
    for (const path of transaction.changed) {
      this.#fire(path);
    }
    return undefined;
  }

  /** Ends all transactions without doing anything. */
  abandonAll(): void {
    this.#transactions.clear();
  }

  /** Reads a node's value. */
  read(path: string, domain: number = 0, transaction: number = 0): StoreResult<Uint8Array> {
    const found = this.#readable(path, domain, transaction);
    return found.error === undefined ? { value: found.value.value } : found;
  }

  /** Lists the names below a node. */
  list(path: string, domain: number = 0, transaction: number = 0): StoreResult<readonly string[]> {
    const found = this.#readable(path, domain, transaction);
    return found.error === undefined ? { value: [...found.value.children.keys()] } : found;
  }

  /** Reads a node's permissions. */
  permissions(
    path: string,
    domain: number = 0,
    transaction: number = 0,
  ): StoreResult<readonly StorePermission[]> {
    const found = this.#readable(path, domain, transaction);
    return found.error === undefined ? { value: found.value.permissions } : found;
  }

  /** Writes a node's value; nodes above it that are not there are made. */
  write(
    path: string,
    value: Uint8Array,
    domain: number = 0,
    transaction: number = 0,
  ): StoreError | undefined {
    if (value.length > mostValueBytes) {
      return 'E2BIG';
    }
    return this.#change(path, domain, transaction, (node) => ({ ...node, value: value.slice() }));
  }

  /** Makes a node, unless it is there. */
  makeDirectory(path: string, domain: number = 0, transaction: number = 0): StoreError | undefined {
    const names = splitPath(path);
    const found = names && find(this.#rootOf(transaction) ?? this.#root, names);
    return found === undefined
      ? this.#change(path, domain, transaction, (node) => node)
      : undefined;
  }

  /** Removes a node and all below it; one that is not there is removed already. */
  remove(path: string, domain: number = 0, transaction: number = 0): StoreError | undefined {
    const names = splitPath(path);
    const root = this.#rootOf(transaction);
    if (names === undefined || names.length === 0) {
      return 'EINVAL';
    }
    if (root === undefined) {
      return 'ENOENT';
    }
    const node = find(root, names);
    const parent = find(root, names.slice(0, -1));
    if (node === undefined) {
      return parent === undefined ? 'ENOENT' : undefined;
    }
    if (!isAllowed(node, domain, 'w')) {
      return 'EACCES';
    }
    this.#replace(transaction, withoutNode(root, names), path);
    return undefined;
  }

  /** Sets a node's permissions; only its owner may. */
  setPermissions(
    path: string,
    permissions: readonly StorePermission[],
    domain: number = 0,
    transaction: number = 0,
  ): StoreError | undefined {
    const names = splitPath(path);
    const root = this.#rootOf(transaction);
    const node = names && root && find(root, names);
    if (names === undefined || permissions.length === 0) {
      return 'EINVAL';
    }
    if (node === undefined || root === undefined) {
      return 'ENOENT';
    }
    const isOwner = domain === 0 || node.permissions[0]?.domain === domain;
    if (!isOwner || (domain !== 0 && permissions[0]?.domain !== domain)) {
      return 'EACCES';
    }
    const changed = withNode(root, names, domain, (old) => ({ ...old, permissions }));
    this.#replace(transaction, changed, path);
    return undefined;
  }

  /** Watches a node and all below it; fires once at the start. */
  watch(owner: object, path: string, fire: (path: string) => void): StoreError | undefined {
    const names = path.startsWith('@') ? [path] : splitPath(path);
    if (names === undefined) {
      return 'EINVAL';
    }
    this.#watches.push({ owner, names, fire });
    fire(path);
    return undefined;
  }

  /** Ends a watch of an owner by what it fires. */
  unwatch(owner: object, fire?: (path: string) => void): void {
    for (let index = this.#watches.length - 1; index >= 0; index -= 1) {
      const watch = this.#watches[index];
      if (watch?.owner === owner && (fire === undefined || watch.fire === fire)) {
        this.#watches.splice(index, 1);
      }
    }
  }

  #rootOf(transaction: number): StoreNode | undefined {
    return transaction === 0 ? this.#root : this.#transactions.get(transaction)?.root;
  }

  #readable(path: string, domain: number, transaction: number): StoreResult<StoreNode> {
    const names = splitPath(path);
    const root = this.#rootOf(transaction);
    if (names === undefined) {
      return { error: 'EINVAL' };
    }
    const node = root && find(root, names);
    if (node === undefined) {
      return { error: 'ENOENT' };
    }
    return isAllowed(node, domain, 'r') ? { value: node } : { error: 'EACCES' };
  }

  #change(
    path: string,
    domain: number,
    transaction: number,
    change: (node: StoreNode) => StoreNode,
  ): StoreError | undefined {
    const names = splitPath(path);
    const root = this.#rootOf(transaction);
    if (names === undefined) {
      return 'EINVAL';
    }
    if (root === undefined) {
      return 'ENOENT';
    }
    // Who makes a node needs leave to write the nearest one above it.
    let depth = names.length;
    while (depth > 0 && find(root, names.slice(0, depth)) === undefined) {
      depth -= 1;
    }
    const nearest = find(root, names.slice(0, depth)) ?? root;
    if (!isAllowed(nearest, domain, 'w')) {
      return 'EACCES';
    }
    const isNew = depth < names.length;
    if (isNew && domain !== 0 && countNodes(root) + names.length - depth > mostNodes) {
      return 'ENOSPC';
    }
    this.#replace(transaction, withNode(root, names, domain, change), path);
    return undefined;
  }

  #replace(transaction: number, root: StoreNode, path: string): void {
    const open = transaction === 0 ? undefined : this.#transactions.get(transaction);
    if (open === undefined) {
      this.#root = root;
      this.#fire(path);
    } else {
      open.root = root;
      open.changed.add(path);
    }
  }

  /** Tells those who watch the node, one above it, or one below it (which may be gone). */
  #fire(path: string): void {
    const names = splitPath(path) ?? [];
    const affected = this.#watches.filter((watch) => {
      const common = Math.min(watch.names.length, names.length);
      return (
        watch.names.slice(0, common).every((name, index) => name === names[index]) &&
        (watch.names.length <= names.length || find(this.#root, names) === undefined)
      );
    });
    for (const watch of affected) {
      const isAbove = watch.names.length <= names.length;
      watch.fire(isAbove ? path : `/${watch.names.join('/')}`);
    }
  }
}

/** A node as JSON has it: value, permissions, children by name. */
type PlainNode = readonly [string, readonly StorePermission[], Readonly<Record<string, unknown>>];

function plain(node: StoreNode): PlainNode {
  const children = [...node.children].map(([name, child]) => [name, plain(child)] as const);
  return [toText(node.value), node.permissions, Object.fromEntries(children)];
}

function fromPlain([value, permissions, children]: PlainNode): StoreNode {
  const entries = Object.entries(children).map(
    ([name, child]) => [name, fromPlain(child as PlainNode)] as const,
  );
  return { value: fromText(value), permissions, children: new Map(entries) };
}
