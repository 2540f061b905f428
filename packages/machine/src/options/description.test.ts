import { describe, expect, it } from 'vitest';

import { parseDescription } from './description.ts';
import { settingsOf } from './test-words.ts';

describe('a machine file', () => {
  it('says what a command line says', () => {
    const described = parseDescription({
      m: 512,
      kernel: 'vmlinuz',
      append: 'console=ttyS0 a,b',
      nographic: true,
      noReboot: false,
      drive: [{ file: 'a,b.img', if: 'virtio', index: 1 }, 'file=c.img'],
    });
    const words = ['-m', '512', '-kernel', 'vmlinuz', '-append', 'console=ttyS0 a,b'];
    const drives = ['-drive', 'file=a,,b.img,if=virtio,index=1', '-drive', 'file=c.img'];
    expect(described).toEqual(settingsOf([...words, '-nographic', ...drives]));
  });

  it.each([
    ['a list', [], /machine file: .*object.*a list/],
    ['an unknown name', { kernal: 'x' }, /names of options.*kernal/],
    [
      'a flag that is text',
      { nographic: 'yes' },
      /-nographic in the machine file: .*true or false/,
    ],
    ['a value of its option that is none', { m: '1X' }, /option -m: /],
    ['a file that is an object', { kernel: {} }, /-kernel in the machine file: .*a object/],
    ['a property that is a list', { drive: { file: [] } }, /-drive in the machine file, file: /],
  ])('is refused with %s', (_label, description, message) => {
    expect(() => parseDescription(description)).toThrow(message);
  });
});
