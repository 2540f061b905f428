/**
 * Where the built-in guest keeps things. It is loaded at 1 MiB and needs less than 1 MiB there.
 *
 *     0x0010_0000  multiboot header, code, data (`programBytes` at most)
 *     0x0011_0000  page directory, page tables, frames for the paging command
 *     0x0011_6000  stacks
 *     0x0040_0000  linear addresses that only the paging command maps
 */
export const GuestLayout = {
  load: 0x10_0000,
  pageDirectory: 0x11_0000,
  identityTable: 0x11_1000,
  aliasTable: 0x11_2000,
  frameA: 0x11_3000,
  frameB: 0x11_4000,
  timeStructures: 0x11_5000,
  userStackTop: 0x11_7000,
  stackTop: 0x11_8000,
  end: 0x11_8000,
  alias: 0x40_0000,
  aliasSecond: 0x40_1000,
} as const;

/** The most bytes that code and data may have. */
export const programBytes = 0x1_0000;

/** The least RAM that the guest runs in, in bytes. */
export const builtInGuestRamBytes = 0x20_0000;

/** Selectors of the guest's own GDT; those of ring 3 with their RPL. */
export const GuestSelector = {
  code: 0x08,
  data: 0x10,
  userCode: 0x1b,
  userData: 0x23,
  task: 0x28,
} as const;

/** Interrupt vectors: hardware requests begin at 32, system calls are INT 48. */
export const GuestVector = { timer: 32, serial: 36, systemCall: 48, count: 49 } as const;

/** Assembles to a call that prints `text` and goes on behind it. */
export function say(text: string): string {
  const bytes = Array.from(text, (character) => String(character.charCodeAt(0)));
  return `call say\n        db ${[...bytes, '0'].join(', ')}`;
}

/** Defines a label in front of text with a closing zero. */
export function textAt(label: string, text: string): string {
  const bytes = Array.from(text, (character) => String(character.charCodeAt(0)));
  return `${label}: db ${[...bytes, '0'].join(', ')}`;
}
