import { describe, expect, it } from 'vitest';

import { XenStore } from './store.ts';
import { fromText, toText } from './wire.ts';

const text = (store: XenStore, path: string, domain = 0, transaction = 0): string => {
  const found = store.read(path, domain, transaction);
  return found.error ?? toText(found.value);
};

describe('XenStore', () => {
  it('makes the nodes above a node, lists them, and removes what is below', () => {
    const store = new XenStore();
    store.write('/a/b/c', fromText('1'));
    expect(store.list('/a')).toEqual({ value: ['b'] });
    expect(text(store, '/a')).toBe('');
    store.remove('/a');
    expect(text(store, '/a/b/c')).toBe('ENOENT');
  });

  it('lets a guest write where it may, and nowhere else', () => {
    const store = new XenStore();
    store.makeDirectory('/own');
    store.setPermissions('/own', [{ domain: 1, access: 'n' }]);
    store.write('/read', fromText('x'));
    store.setPermissions('/read', [
      { domain: 0, access: 'n' },
      { domain: 1, access: 'r' },
    ]);
    expect(store.write('/own/x', fromText('1'), 1)).toBeUndefined();
    expect(store.write('/read', fromText('1'), 1)).toBe('EACCES');
    expect(store.write('/other', fromText('1'), 1)).toBe('EACCES');
    expect([text(store, '/read', 1), text(store, '/read', 2)]).toEqual(['x', 'EACCES']);
  });

  it.each(['', 'a', '/a//b', '/a/', '/ü', `/${'a'.repeat(3100)}`])(
    'refuses the path %j',
    (path) => {
      expect(new XenStore().write(path, fromText(''))).toBe('EINVAL');
    },
  );

  it('bounds values and nodes', () => {
    const store = new XenStore();
    store.makeDirectory('/own');
    store.setPermissions('/own', [{ domain: 1, access: 'n' }]);
    expect(store.write('/own/x', new Uint8Array(2049), 1)).toBe('E2BIG');
    const results = Array.from({ length: 2100 }, (_nothing, index) =>
      store.write(`/own/${String(index)}`, fromText(''), 1),
    );
    expect(results.at(-1)).toBe('ENOSPC');
  });

  it('fires watches of a node, of one above it, and of one below that is removed', () => {
    const store = new XenStore();
    store.write('/a/b/c', fromText('1'));
    const fired: string[] = [];
    for (const path of ['/a', '/a/b/c', '/a/x']) {
      store.watch({}, path, (changed) => fired.push(`${path}:${changed}`));
    }
    fired.length = 0;
    store.write('/a/b', fromText('2'));
    expect(fired).toEqual(['/a:/a/b']);
    fired.length = 0;
    store.remove('/a/b');
    expect(fired).toEqual(['/a:/a/b', '/a/b/c:/a/b/c']);
  });

  it('keeps a transaction apart until it ends', () => {
    const store = new XenStore();
    const id = store.begin();
    store.write('/a', fromText('1'), 0, id);
    expect([text(store, '/a'), text(store, '/a', 0, id)]).toEqual(['ENOENT', '1']);
    expect(store.end(id, true)).toBeUndefined();
    expect(text(store, '/a')).toBe('1');
  });

  it('refuses a transaction under which the tree changed, and undoes one that is given up', () => {
    const store = new XenStore();
    const [one, other] = [store.begin(), store.begin()];
    store.write('/a', fromText('1'), 0, one);
    store.write('/b', fromText('2'));
    store.write('/c', fromText('3'), 0, other);
    expect(store.end(one, true)).toBe('EAGAIN');
    expect(store.end(other, false)).toBeUndefined();
    expect([text(store, '/a'), text(store, '/c')]).toEqual(['ENOENT', 'ENOENT']);
    expect(store.end(one, true)).toBe('ENOENT');
  });

  it('has ten transactions at a time', () => {
    const store = new XenStore();
    const ids = Array.from({ length: 11 }, () => store.begin());
    expect([ids.filter((id) => id > 0).length, ids.at(-1)]).toEqual([10, 0]);
  });
});
