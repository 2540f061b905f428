/** CPU models by what users write: `max`, or with changes `max,-smap,sse4.2=off,vendor=...`. */
import { cpuModels, modelWith, type CpuModel } from './model.ts';

/** QEMU's names of features where they are not the manual's. */
const otherNames: Readonly<Record<string, string>> = {
  clflush: 'CLFSH',
  'lahf-lm': 'LAHF',
  pni: 'SSE3',
  '3dnowprefetch': 'PREFETCHW',
};

/** QEMU's names of models that are one of ours here, where a processor has 32 bits. */
const otherModels: Readonly<Record<string, string>> = {
  qemu64: 'qemu32',
  kvm64: 'qemu32',
  kvm32: 'qemu32',
  host: 'max',
};

/** Of Hyper-V's interface, which QEMU's translator leaves out too, whatever is asked for. */
const leftOut = /^\+?hv[-_][\w-]+(=(on|off))?$/;

const vendorLength = 12;

/** What is wrong with the name of a CPU model: what was expected instead, and what was found. */
export interface ModelNameFault {
  readonly expected: string;
  readonly found: string;
}

/**
 * Returns the CPU model that a text names, the default one for none, or what is wrong with it.
 *
 * Features are added by `+x2apic` and `x2apic=on`, and taken away by `-x2apic` and `x2apic=off`; a
 * feature that no model has cannot be added. `vendor=` changes who the processor says made it.
 */
export function findCpuModel(text: string | undefined): CpuModel | ModelNameFault {
  const [name = '', ...changes] = (text ?? '').split(',');
  const known = Object.hasOwn(otherModels, name) ? otherModels[name] : name;
  const model = cpuModels.find((one) => text === undefined || one.name === known);
  if (model === undefined) {
    return { expected: `one of ${cpuModels.map((one) => one.name).join(', ')}`, found: name };
  }
  const has = new Set(model.has);
  let { vendor } = model;
  for (const change of changes) {
    if (leftOut.test(change)) continue;
    const made = /^vendor=(.*)$/s.exec(change)?.[1];
    if (made !== undefined) {
      const isVendor = made.length === vendorLength && /^[ -~]*$/.test(made);
      if (!isVendor) return { expected: `a vendor of ${vendorLength} characters`, found: made };
      vendor = made;
      continue;
    }
    const word = /^([+-]?)([\w.-]+?)(?:=(on|off))?$/.exec(change);
    const isOn = word !== null && word[1] !== '-' && word[3] !== 'off';
    const feature = featureNamed(word?.[2] ?? '');
    if (word === null || (isOn && feature === undefined)) {
      return { expected: `features of ${allFeatures().join(' ')}`, found: change };
    }
    if (isOn) has.add(feature ?? '');
    else has.delete(feature ?? '');
  }
  return changes.length === 0 ? model : modelWith(model, text ?? model.name, vendor, has);
}

function allFeatures(): string[] {
  return [...new Set(cpuModels.flatMap(({ has }) => [...has]))].map(plain).sort();
}

/** The feature of any model with a name; dots, underscores and case make no difference. */
function featureNamed(name: string): string | undefined {
  const wanted = plain(otherNames[plain(name)] ?? name);
  for (const { has } of cpuModels) {
    for (const feature of has) if (plain(feature) === wanted) return feature;
  }
  return undefined;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[._]/g, '-');
}
