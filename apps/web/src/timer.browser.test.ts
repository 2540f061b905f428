import { assembleText } from '@ringfence/assembler';
import { expect, it } from 'vitest';

import { browserAndPage } from './test-browser.ts';
import { TestPage } from './test-page.ts';

const shared = browserAndPage();

/** A floppy whose program sends a character for so many interrupts of counter 0. */
function floppy(divisor: number, interrupts: number, rest: string): string {
  const sector = assembleText(
    `
        bits 16
        cli
        xor ax, ax
        mov ds, ax
        mov word [0x20], tick
        mov word [0x22], ax
        mov al, 0x36
        out 0x43, al
        mov ax, ${String(divisor & 0xffff)}
        out 0x40, al
        xchg al, ah
        out 0x40, al
        sti
rest:   ${rest}
        jmp rest
tick:   inc word [cs:count]
        cmp word [cs:count], ${String(interrupts)}
        jb end
        mov word [cs:count], 0
        push ax
        push dx
        mov al, 0x2e
        mov dx, 0x3f8
        out dx, al
        pop dx
        pop ax
end:    push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        iret
count:  dw 0
`,
    { origin: 0x7c00 },
  );
  const image = Buffer.alloc(1440 * 1024);
  image.set(sector);
  image.set([0x55, 0xaa], 510);
  return image.toString('base64');
}

/** How many characters come in a second of the page's clock, from one that comes to another. */
function rateOf({ page }: TestPage): Promise<number> {
  return page.locator('ringfence-machine').evaluate(async (element) => {
    const machine = element as unknown as { readonly serialText: string };
    const seen: { readonly count: number; readonly ms: number }[] = [];
    for (const began = performance.now(); performance.now() < began + 3000;) {
      const count = machine.serialText.split('.').length;
      if (count !== seen.at(-1)?.count) seen.push({ count, ms: performance.now() });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    // Before the first change nobody knows for how long its count has stood.
    const [, first, ...rest] = seen;
    const last = rest.at(-1);
    if (first === undefined || last === undefined) return 0;
    return (1000 * (last.count - first.count)) / (last.ms - first.ms);
  });
}

it.each([
  ['18.2 Hz, at rest', 0, 1, 'hlt', 18.2],
  ['18.2 Hz, busy', 0, 1, 'inc ecx', 18.2],
  ['1 kHz, at rest', 1193, 50, 'hlt', 20],
  ['1 kHz, busy', 1193, 50, 'inc ecx', 20],
] as const)('has a timer of the right speed: %s', async (_name, divisor, count, rest, hertz) => {
  const test = await TestPage.open(shared.browser, shared.server);
  await test.waitForSerial(/Type help/);
  await test.drop([{ name: 'timer.img', base64: floppy(divisor, count, rest) }]);
  await test.waitForSerial(/^\.{20}/);
  const rates: number[] = [];
  // What else runs on the host may keep it away from the page for a while, and is made up for then.
  for (let attempt = 0; attempt < 6 && !rates.some((rate) => isNear(rate, hertz)); attempt++) {
    rates.push(await rateOf(test));
  }
  expect(rates.some((rate) => isNear(rate, hertz)) ? [] : rates).toEqual([]);
  await test.close();
});

const isNear = (rate: number, hertz: number): boolean => Math.abs(rate / hertz - 1) < 0.08;
