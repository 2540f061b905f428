import { describe, expect, it } from 'vitest';
import { findCpuModel } from './model-name.ts';
import { cpuModels } from './model.ts';

const found = (text: string | undefined): object => findCpuModel(text);
const max = cpuModels.find(({ name }) => name === 'max');

describe('the name of a CPU model', () => {
  it('is one of the list, and the first where there is none', () => {
    expect(found(undefined)).toBe(cpuModels[0]);
    expect(found('max')).toBe(max);
    expect(found('i8080')).toEqual({
      expected: 'one of qemu32, max, pentium3, pentium, 486',
      found: 'i8080',
    });
  });

  it('takes features away and adds those of other models, with what CPUID shows', () => {
    const model = findCpuModel('max,-smap,sse4.2=off,-x2apic');
    if (!('has' in model)) throw new Error(model.expected);
    expect(['SMAP', 'SSE4.2', 'X2APIC', 'SMEP'].map((name) => model.has.has(name))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(model.features.structuredEbx & (1 << 20)).toBe(0);
    expect(max?.has.has('SMAP')).toBe(true);
    const more = findCpuModel('qemu32,+umip,tsc_adjust=on,rdtscp');
    if (!('has' in more)) throw new Error(more.expected);
    expect(['UMIP', 'TSC-ADJUST', 'RDTSCP'].every((name) => more.has.has(name))).toBe(true);
    expect(more.features.structuredEcx & 4).toBe(4);
  });

  it('is one of ours where QEMU has another name for it', () => {
    expect(found('host')).toBe(max);
    expect(['qemu64', 'kvm64', 'kvm32'].map(found)).toEqual(Array(3).fill(cpuModels[0]));
    expect(found('constructor')).toMatchObject({ found: 'constructor' });
    const model = findCpuModel('kvm64,+rdtscp,hv_vpindex,hv-synic=on');
    if (!('has' in model)) throw new Error(model.expected);
    expect([...model.has]).toEqual([...(cpuModels[0]?.has ?? []), 'RDTSCP']);
  });

  it('knows the names that QEMU has', () => {
    const model = findCpuModel('max,-pni,-lahf_lm,-clflush,-3dnowprefetch');
    if (!('has' in model)) throw new Error(model.expected);
    const names = ['SSE3', 'LAHF', 'CLFSH', 'PREFETCHW'];
    expect(names.some((name) => model.has.has(name))).toBe(false);
  });

  it('changes the vendor, and with it what AMD alone shows', () => {
    expect(findCpuModel('max,vendor=GenuineIntel')).toMatchObject({ vendor: 'GenuineIntel' });
    const model = findCpuModel('max,vendor=GenuineIntel');
    expect('features' in model && model.features.extendedEdx & 1).toBe(0);
    expect(found('max,vendor=Intel')).toMatchObject({ expected: 'a vendor of 12 characters' });
  });

  it('takes away what is not there, and does not add it', () => {
    expect(found('max,-pcid')).toMatchObject({ vendor: 'AuthenticAMD' });
    expect(found('max,+pcid')).toMatchObject({ found: '+pcid' });
    expect(found('max,smap=perhaps')).toMatchObject({ found: 'smap=perhaps' });
    expect(found('max,')).toMatchObject({ found: '' });
  });
});
