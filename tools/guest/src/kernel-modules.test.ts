import { expect, it } from 'vitest';
import { buildInitramfs } from './initramfs.ts';
import { dependenciesOf } from './kernel-modules.ts';

it('reads what a module depends on from the module', () => {
  const module = Buffer.from('\x7fELF..\0license=GPL\0depends=virtio,virtio-ring\0name=x\0');
  expect(dependenciesOf(module)).toEqual(['virtio', 'virtio_ring']);
  expect(dependenciesOf(Buffer.from('\0depends=\0'))).toEqual([]);
});

it('inserts modules in order, before the commands', () => {
  const contents = Uint8Array.of(1, 2, 3);
  const modules = ['b', 'a'].map((name) => ({ name, contents }));
  const image = buildInitramfs(Uint8Array.of(0), { modules, commands: 'echo commands' });
  const text = Buffer.from(image).toString('latin1');
  expect(text).toContain('insmod /lib/modules/b.ko\ninsmod /lib/modules/a.ko\necho commands\n');
  expect(text).toContain('lib/modules/a.ko\0');
});
