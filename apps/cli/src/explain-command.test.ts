import { describe, expect, it } from 'vitest';
import { explainCommand } from './explain-command.ts';
import { UsageError } from './usage-error.ts';

function output(...args: readonly string[]): string {
  let text = '';
  explainCommand(args, { write: (part) => (text += String(part)) !== '' });
  return text;
}

describe('ringfence explain', () => {
  it('prints decoding, IR before and after the passes, and WebAssembly', () => {
    // Both instructions write EAX; nothing sees what the first wrote.
    const text = output('--bytes', '01 D8 89 C8 C3');
    const [, decoded = '', before = '', after = '', wasm = ''] = text.split(/^;; .*\n/m);
    expect(decoded).toMatch(/0000 {2}01 d8 +add eax, ebx\n0002 {2}89 c8 +mov eax, ecx\n/);
    const sets = (ir: string): number => ir.split('set eax').length - 1;
    expect(sets(before)).toBe(2);
    expect(sets(after)).toBe(1);
    expect(wasm).toMatch(/^\(module\n(.*\n)+ +i32\.add\n(.*\n)*\)\n/);
  });

  it.each(['16', '64'])('decodes %s-bit code', (bits) => {
    expect(output('--bytes', '40 90', '--bits', bits)).toMatch(bits === '16' ? /inc ax/ : /nop/);
  });

  it('says why there is no region', () => {
    expect(output('--bytes', 'F4')).toMatch(/hlt\n\nno region: the first instruction is left/);
    expect(output('--bytes', '48 01 d8', '--bits', '64')).toMatch(/no region: 64-bit code/);
  });

  it.each([
    [['--bits', '32'], /--bytes/],
    [['--bytes', 'xy'], /expected 1 to 4096 bytes in hexadecimal, found "xy"/],
    [['--bytes', ''], /found ""/],
    [['--bytes', '90', '--bits', '8'], /expected 16, 32 or 64, found "8"/],
    [['--byte', '90'], /--byte/],
  ])('refuses %j', (args, message) => {
    const run = (): unknown => output(...args);
    expect(run).toThrow(UsageError);
    expect(run).toThrow(message);
  });
});
