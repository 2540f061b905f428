/**
 * What a kernel says to Xen about itself: ELF notes of the owner "Xen", or a string in a section
 * `__xen_guest` (Xen, include/public/elfnote.h).
 *
 * Real kernels are careless here. GRUB's last note claims eight bytes more than the file has. GNU
 * Mach gives its notes a wrong owner, and means the string. So a note is cut at the end of its
 * segment, and the string is read where there are no notes of Xen's.
 */
import type { ImageView } from './image-view.ts';

/** Numbers of the notes that are used (elfnote.h, XEN_ELFNOTE_*). */
export const XenNote = {
  entry: 1,
  hypercallPage: 2,
  virtBase: 3,
  physicalOffset: 4,
  xenVersion: 5,
  guestOs: 6,
  loader: 8,
  paeMode: 9,
  features: 10,
  bsdSymbols: 11,
  hypervisorStart: 12,
  l1Valid: 13,
  initP2m: 15,
  moduleStartPfn: 16,
  physicalEntry: 18,
} as const;

/** What a kernel wants of Xen; absent for what it does not say. */
export interface XenNotes {
  /** Virtual address at which a paravirtual kernel starts. */
  readonly entry?: number;
  /** Virtual address of the page that is filled with hypercall stubs. */
  readonly hypercallPage?: number;
  /** Virtual address to which the first page of memory is mapped. */
  readonly virtBase?: number;
  /** What is subtracted from the ELF file's physical addresses, beside `virtBase`. */
  readonly physicalOffset?: number;
  /** How page tables look, such as `yes[extended-cr3]`. */
  readonly paeMode?: string;
  /** Features that it can use or needs (`!`), separated by `|`. */
  readonly features?: string;
  /** Physical address at which it starts without paging: the PVH entry. */
  readonly physicalEntry?: number;
  /** Whether the initial RAM disk is named by page frame and left unmapped. */
  readonly moduleStartPfn?: boolean;
  /** Whether its symbols are to stand behind it (`bsd-symbols.ts`). */
  readonly wantsSymbols?: boolean;
  /** Whether the notes are a string in a section of their own. */
  readonly isLegacy?: boolean;
  /** Whether anything says that the kernel can be a paravirtual guest. */
  readonly isParavirtual: boolean;
}

const noteSegment = 4;
const noteSection = 7;
/** The most program or section headers, and notes, that are looked at. */
const mostEntries = 256;
const mostSections = 4096;

interface Range {
  readonly offset: number;
  readonly bytes: number;
}

/** Reads what an ELF32 file says to Xen; nothing if it says nothing. */
export function readXenNotes(image: ImageView): XenNotes | undefined {
  const notes = new Map<number, Uint8Array>();
  const sections = readSections(image);
  const ranges = [
    ...noteSegments(image),
    ...sections.filter((section) => section.type === noteSection),
  ];
  for (const range of ranges) {
    collectNotes(image, range, notes);
  }
  if (notes.size > 0) {
    return fromNotes(notes);
  }
  const legacy = sections.find((section) => section.name === '__xen_guest');
  return legacy === undefined ? undefined : fromString(textOf(partOf(image, legacy)));
}

function partOf(image: ImageView, { offset, bytes }: Range): Uint8Array {
  return image.bytes.subarray(offset, offset + bytes);
}

function noteSegments(image: ImageView): readonly Range[] {
  const table = image.u32(28);
  const stride = image.u16(42);
  const count = Math.min(image.u16(44), mostEntries);
  const ranges: Range[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = table + index * stride;
    if (at + 32 <= image.bytes.length && image.u32(at) === noteSegment) {
      ranges.push({ offset: image.u32(at + 4), bytes: image.u32(at + 16) });
    }
  }
  return ranges;
}

interface Section extends Range {
  readonly name: string;
  readonly type: number;
}

function readSections(image: ImageView): readonly Section[] {
  const table = image.u32(32);
  const stride = image.u16(46);
  const count = Math.min(image.u16(48), mostSections);
  const headerAt = (index: number): number => table + index * stride;
  const names = headerAt(image.u16(50));
  if (table === 0 || names + 40 > image.bytes.length) {
    return [];
  }
  const nameTable = image.u32(names + 16);
  const sections: Section[] = [];
  for (let index = 0; index < count && headerAt(index) + 40 <= image.bytes.length; index += 1) {
    const at = headerAt(index);
    const nameAt = nameTable + image.u32(at);
    const name = textOf(image.bytes.subarray(nameAt, nameAt + 32));
    const [type, offset, bytes] = [image.u32(at + 4), image.u32(at + 16), image.u32(at + 20)];
    sections.push({ name, type, offset, bytes });
  }
  return sections;
}

/** Collects notes of the owner Xen: lengths of name and description, type, name, description. */
function collectNotes(image: ImageView, range: Range, notes: Map<number, Uint8Array>): void {
  const end = Math.min(range.offset + range.bytes, image.bytes.length);
  let at = range.offset;
  for (let count = 0; count < mostEntries && at + 12 <= end; count += 1) {
    const nameBytes = image.u32(at);
    const bytes = image.u32(at + 4);
    const type = image.u32(at + 8);
    const name = textOf(image.bytes.subarray(at + 12, Math.min(at + 12 + nameBytes, end)));
    const start = at + 12 + aligned(nameBytes);
    if (name === 'Xen' && start <= end) {
      notes.set(type, image.bytes.subarray(start, Math.min(start + bytes, end)));
    }
    at = start + aligned(bytes);
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / 4) * 4;

function fromNotes(notes: ReadonlyMap<number, Uint8Array>): XenNotes {
  const number = (type: number): number | undefined => {
    const bytes = notes.get(type);
    return bytes === undefined || bytes.length < 4
      ? undefined
      : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  };
  const text = (type: number): string | undefined => {
    const bytes = notes.get(type);
    return bytes === undefined ? undefined : textOf(bytes);
  };
  return present({
    entry: number(XenNote.entry),
    hypercallPage: number(XenNote.hypercallPage),
    virtBase: number(XenNote.virtBase),
    physicalOffset: number(XenNote.physicalOffset),
    paeMode: text(XenNote.paeMode),
    features: text(XenNote.features),
    physicalEntry: number(XenNote.physicalEntry),
    moduleStartPfn: (number(XenNote.moduleStartPfn) ?? 0) !== 0 ? true : undefined,
    wantsSymbols: text(XenNote.bsdSymbols) === 'yes' ? true : undefined,
    isParavirtual: notes.has(XenNote.entry),
  });
}

/** Reads `KEY=value,KEY=value`; the hypercall page is given as a page number from `VIRT_BASE`. */
function fromString(text: string): XenNotes {
  const values = new Map(
    text.split(',').map((pair): [string, string] => {
      const [key = '', value = ''] = pair.split('=', 2);
      return [key, value];
    }),
  );
  const number = (key: string): number | undefined => {
    const value = Number(values.get(key));
    return values.has(key) && value >= 0 && value < 2 ** 32 ? Math.floor(value) : undefined;
  };
  const virtBase = number('VIRT_BASE') ?? 0;
  const page = number('HYPERCALL_PAGE');
  return present({
    entry: number('VIRT_ENTRY'),
    hypercallPage: page === undefined ? undefined : (virtBase + page * 4096) % 2 ** 32,
    virtBase,
    physicalOffset: number('ELF_PADDR_OFFSET'),
    paeMode: values.get('PAE'),
    features: values.get('FEATURES'),
    isLegacy: true,
    wantsSymbols: values.has('BSD_SYMTAB') ? true : undefined,
    isParavirtual: true,
  });
}

/** Drops what is undefined. */
function present(
  notes: { readonly [Key in keyof XenNotes]: XenNotes[Key] | undefined } & {
    readonly isParavirtual: boolean;
  },
): XenNotes {
  const entries = Object.entries(notes).filter(([, value]) => value !== undefined);
  // What is left has the types of the interface: only undefined was taken out.
  return Object.fromEntries(entries) as unknown as XenNotes;
}

/** Reads text up to a zero or the end. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, 4096)));
}
