import { describe, expect, it } from 'vitest';
import { aptConfiguration, parseRecord } from './apt.ts';

const shown = `Package: linux-image-686
Source: linux-signed-i386 (6.1.170+1)
Version: 6.1.170-1
Architecture: i386
Depends: linux-image-6.1.0-48-686 (= 6.1.170-1), initramfs-tools | dracut, libc6:any (>= 2)
Description: Linux for older PCs (meta-package)
 Depends: nothing, this is prose
Size: 1508

Package: linux-image-686
Version: 5.0
`;

describe('parseRecord', () => {
  it('reads name, version and size of the first record', () => {
    const record = parseRecord(shown);
    expect(record).toMatchObject({ name: 'linux-image-686', version: '6.1.170-1', size: 1508 });
  });

  it('reads the names of the dependencies without versions, alternatives and architectures', () => {
    expect(parseRecord(shown)?.depends).toEqual([
      'linux-image-6.1.0-48-686',
      'initramfs-tools',
      'libc6',
    ]);
  });

  it('gives nothing for what is no record', () => {
    expect(parseRecord('N: Unable to locate package x\n')).toBeUndefined();
  });
});

describe('aptConfiguration', () => {
  it('moves every folder that apt writes below the given one', () => {
    const configuration = aptConfiguration('/cache/apt');
    expect(configuration).toContain('Dir::State "/cache/apt/state";');
    expect(configuration).toContain('Dir::State::status "/cache/apt/state/status";');
    expect(configuration).toContain('Dir::Cache "/cache/apt/cache";');
  });

  it("clears the system's hooks, which would act on the system's folders", () => {
    expect(aptConfiguration('/x')).toMatch(/^#clear APT::Update::Post-Invoke;$/m);
    expect(aptConfiguration('/x')).toMatch(/^#clear APT::Update::Post-Invoke-Success;$/m);
  });
});
