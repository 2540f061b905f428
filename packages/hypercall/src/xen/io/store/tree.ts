/**
 * The tree of a xenstore: nodes with values and permissions, never changed in place, so that a
 * transaction is a root of its own (Xen, docs/misc/xenstore.txt).
 */

/** Who may do what with a node: the first entry names the owner and what all others may. */
export interface StorePermission {
  readonly domain: number;
  /** n nothing, r read, w write, b both. */
  readonly access: 'n' | 'r' | 'w' | 'b';
}

/** One node of the tree. */
export interface StoreNode {
  readonly value: Uint8Array;
  readonly permissions: readonly StorePermission[];
  readonly children: ReadonlyMap<string, StoreNode>;
}

/** What went wrong, by the name that goes over the wire. */
export type StoreError =
  'EINVAL' | 'EACCES' | 'EEXIST' | 'ENOENT' | 'ENOSPC' | 'EAGAIN' | 'ENOSYS' | 'E2BIG';

/** The most bytes of an absolute path (XENSTORE_ABS_PATH_MAX). */
export const mostPathBytes = 3072;
/** The most bytes of a value. */
export const mostValueBytes = 2048;
/** The most nodes that guests may have in all. */
export const mostNodes = 2000;

const empty = new Uint8Array(0);

/** Makes a root that only the privileged domain may change. */
export function emptyTree(): StoreNode {
  const permissions = [{ domain: 0, access: 'n' } as const];
  return { value: empty, permissions, children: new Map() };
}

/** Splits an absolute path into its names; nothing for one that is malformed. */
export function splitPath(path: string): readonly string[] | undefined {
  if (path === '/') {
    return [];
  }
  const isGood = /^(\/[A-Za-z0-9\-_@]+)+$/.test(path) && path.length <= mostPathBytes;
  return isGood ? path.slice(1).split('/') : undefined;
}

/** Finds a node. */
export function find(root: StoreNode, names: readonly string[]): StoreNode | undefined {
  let node: StoreNode | undefined = root;
  for (const name of names) {
    node = node?.children.get(name);
  }
  return node;
}

/** Counts a node and all below it. */
export function countNodes(node: StoreNode): number {
  let count = 1;
  for (const child of node.children.values()) {
    count += countNodes(child);
  }
  return count;
}

/** Whether a domain may use a node. */
export function isAllowed(node: StoreNode, domain: number, access: 'r' | 'w'): boolean {
  const [owner, ...others] = node.permissions;
  if (domain === 0 || owner === undefined || owner.domain === domain) {
    return true;
  }
  const own = others.find((entry) => entry.domain === domain) ?? owner;
  return own.access === access || own.access === 'b';
}

/**
 * Returns the tree with a node replaced; nodes on the way that are not there are made, empty, and
 * take the permissions of the node above them with `domain` as owner.
 */
export function withNode(
  root: StoreNode,
  names: readonly string[],
  domain: number,
  change: (node: StoreNode) => StoreNode,
): StoreNode {
  const [first, ...rest] = names;
  if (first === undefined) {
    return change(root);
  }
  const child = root.children.get(first) ?? {
    value: empty,
    permissions: inherited(root.permissions, domain),
    children: new Map<string, StoreNode>(),
  };
  const children = new Map(root.children);
  children.set(first, withNode(child, rest, domain, change));
  return { ...root, children };
}

/** Returns the tree without a node. */
export function withoutNode(root: StoreNode, names: readonly string[]): StoreNode {
  const [first, ...rest] = names;
  const child = first === undefined ? undefined : root.children.get(first);
  if (first === undefined || child === undefined) {
    return root;
  }
  const children = new Map(root.children);
  if (rest.length === 0) {
    children.delete(first);
  } else {
    children.set(first, withoutNode(child, rest));
  }
  return { ...root, children };
}

function inherited(
  permissions: readonly StorePermission[],
  domain: number,
): readonly StorePermission[] {
  const [owner, ...others] = permissions;
  const first = { domain, access: owner?.access ?? 'n' } as const;
  // A guest that makes nodes owns them; the privileged domain's take the owner of the node above.
  return domain === 0 ? permissions : [first, ...others];
}
