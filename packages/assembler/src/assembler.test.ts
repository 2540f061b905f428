import { describe, expect, it } from 'vitest';
import { Assembler, assembleText } from './assembler.ts';
import { AssemblerError } from './error.ts';
import type { AssemblerErrorCode } from './error.ts';
import { label } from './expression.ts';
import { far, mem, mem16, mem32, mem8 } from './operand.ts';
import { registers } from './registers.ts';

const { al, ax, eax, ebx, ecx, esp, ds, fs, bx, si, cr0, st1 } = registers;

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

const assembled = (add: (a: Assembler) => void, bits: 16 | 32 | 64 = 32, origin = 0): string => {
  const a = new Assembler({ bits, origin });
  add(a);
  return hex(a.assemble());
};

function errorOf(run: () => unknown): AssemblerError {
  try {
    run();
  } catch (error) {
    if (error instanceof AssemblerError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const codeOf = (add: (a: Assembler) => void): AssemblerErrorCode =>
  errorOf(() => assembled(add)).code;

describe('emit', () => {
  it('takes the shortest form', () => {
    expect(assembled((a) => a.emit('add', eax, 5))).toBe('83 c0 05');
    expect(assembled((a) => a.emit('add', eax, 0x1234))).toBe('05 34 12 00 00');
    expect(assembled((a) => a.emit('inc', eax))).toBe('40');
  });

  it('takes the unsigned spelling of a negative immediate', () => {
    expect(assembled((a) => a.emit('add', eax, 0xffffffff))).toBe('83 c0 ff');
  });

  it('encodes base, index, scale and displacement', () => {
    expect(assembled((a) => a.emit('mov', eax, mem32(ebx, ecx, 4, 8)))).toBe('8b 44 8b 08');
    expect(assembled((a) => a.emit('mov', eax, mem32(esp)))).toBe('8b 04 24');
    expect(assembled((a) => a.emit('mov', al, mem8(bx, si, 1, 0)))).toBe('67 8a 00');
  });

  it('adds prefixes for sizes that are not those of the mode', () => {
    expect(assembled((a) => a.emit('mov', ax, 1))).toBe('66 b8 01 00');
    expect(assembled((a) => a.emit('mov', eax, 1), 16)).toBe('66 b8 01 00 00 00');
    expect(assembled((a) => a.emit('mov', eax, mem32(ebx)), 16)).toBe('67 66 8b 03');
  });

  it('takes prefixes before the mnemonic', () => {
    expect(assembled((a) => a.emit('rep movsb'))).toBe('f3 a4');
    expect(assembled((a) => a.emit('lock add', mem32(ebx), eax))).toBe('f0 01 03');
    expect(assembled((a) => a.emit('fs lodsb'))).toBe('64 ac');
    expect(assembled((a) => a.emit('o16 push', 5))).toBe('66 6a 05');
    expect(assembled((a) => a.emit('a16 loop', 0))).toBe('67 e2 fd');
  });

  it('overrides the segment of a memory operand', () => {
    const operand = mem32({ base: ebx, segment: fs });
    expect(assembled((a) => a.emit('mov', eax, operand))).toBe('64 8b 03');
  });

  it('reads a selector from a 16-bit register without a prefix', () => {
    expect(assembled((a) => a.emit('mov', ds, ax))).toBe('8e d8');
  });

  it('accepts an implied ST0 that is left out', () => {
    expect(assembled((a) => a.emit('fxch', st1))).toBe('d9 c9');
  });

  it('knows the other names of the conditions', () => {
    const program = (a: Assembler): unknown =>
      a.emit('jz', 0).emit('je', 0).emit('cmovc', eax, ebx);
    expect(assembled(program)).toBe('74 fe 74 fc 0f 42 c3');
  });

  it('gives PUSHF and IRET the size of the code', () => {
    expect(assembled((a) => a.emit('pushf').emit('iret'))).toBe('9c cf');
    expect(assembled((a) => a.emit('pushfw').emit('iretw'))).toBe('66 9c 66 cf');
    expect(assembled((a) => a.emit('iretd'), 16)).toBe('66 cf');
  });

  it('has a typed method for each mnemonic', () => {
    expect(assembled((a) => a.op.mov(cr0, eax))).toBe('0f 22 c0');
  });

  it('takes the operands of XCHG and TEST in either order', () => {
    expect(assembled((a) => a.emit('xchg', eax, mem32(ebx)))).toBe('87 03');
    expect(assembled((a) => a.emit('test', mem32(ebx), eax))).toBe('85 03');
  });

  it('does not take NOP for XCHG EAX, EAX in 64-bit code', () => {
    expect(assembled((a) => a.emit('xchg', eax, eax), 64)).toBe('87 c0');
  });

  it('jumps and calls far', () => {
    expect(assembled((a) => a.emit('jmp', far(8, 0x1234)))).toBe('ea 34 12 00 00 08 00');
    expect(assembled((a) => a.emit('jmp', far(8, 0x1234, 32)), 16)).toBe('66 ea 34 12 00 00 08 00');
    expect(assembled((a) => a.emit('call', mem({ base: ebx, far: true })))).toBe('ff 1b');
  });
});

describe('labels', () => {
  it('may be used before they are defined', () => {
    expect(assembled((a) => a.emit('jmp', 'end').emit('nop').label('end'))).toBe('eb 01 90');
  });

  it('lengthen a branch that does not reach', () => {
    const program = (gap: number): string =>
      assembled((a) => a.emit('jz', 'end').fill(gap).label('end')).slice(0, 17);
    expect(program(127)).toBe('74 7f 00 00 00 00');
    expect(program(128)).toBe('0f 84 80 00 00 00');
  });

  it('lengthen a branch that another one pushed out of reach', () => {
    const a = new Assembler();
    a.emit('jmp', 'b').emit('jmp', 'c').fill(125).label('b').fill(3).label('c');
    // The second jump does not reach and becomes long; then the first does not reach either.
    expect(hex(a.assemble().subarray(0, 10))).toBe('e9 82 00 00 00 e9 80 00 00 00');
  });

  it('are absolute in immediates, displacements and data', () => {
    const a = new Assembler({ origin: 0x100000 });
    a.emit('mov', eax, 'data').emit('mov', ebx, mem32('data')).label('data').dd('data');
    expect(hex(a.assemble())).toBe('b8 0b 00 10 00 8b 1d 0b 00 10 00 0b 00 10 00');
  });

  it('form expressions with constants and each other', () => {
    const a = new Assembler({ origin: 0x1000 });
    a.label('start').fill(6).label('end').dw(label('end').minus('start'), label('end').plus(2));
    expect(hex(a.assemble().subarray(6))).toBe('06 00 08 10');
  });

  it('choose a short immediate where their difference is small', () => {
    const a = new Assembler();
    a.label('start').emit('add', eax, label('end').minus('start')).label('end');
    expect(hex(a.assemble())).toBe('83 c0 03');
  });

  it('tell their addresses', () => {
    const a = new Assembler({ origin: 0x7c00 });
    a.fill(16).label('here').equ('above', label('here').plus(4));
    expect(a.addressOf('here')).toBe(0x7c10);
    expect(a.addressOf('above')).toBe(0x7c14);
    expect([...a.symbols().keys()]).toEqual(['here', 'above']);
  });

  it('wrap around in 16-bit code', () => {
    expect(assembled((a) => a.emit('jmp', 0xfff0), 16, 0)).toBe('eb ee');
  });

  it('are relative to RIP where the base says so', () => {
    const { rax, rip } = registers;
    const program = (a: Assembler): unknown =>
      a.emit('mov', rax, mem(rip, 'x')).emit('nop').label('x');
    expect(assembled(program, 64)).toBe('48 8b 05 01 00 00 00 90');
  });
});

describe('data', () => {
  it('stores values low byte first', () => {
    expect(assembled((a) => a.db(1).dw(2).dd(-1).dq(0x1122334455667788n))).toBe(
      '01 02 00 ff ff ff ff 88 77 66 55 44 33 22 11',
    );
  });

  it('stores text', () => {
    expect(assembled((a) => a.asciz('AB'))).toBe('41 42 00');
  });

  it('aligns with NOPs or another byte', () => {
    expect(assembled((a) => a.db(1).align(4).db(2).align(4, 0))).toBe('01 90 90 90 02 00 00 00');
  });

  it('fills up to an address', () => {
    const a = new Assembler({ bits: 16, origin: 0xfff0 });
    a.emit('cli').fillTo(0xfff4, 0xff).db(1);
    expect(hex(a.assemble())).toBe('fa ff ff ff 01');
  });
});

describe('errors', () => {
  it('have a code for each kind', () => {
    expect(codeOf((a) => a.emit('bogus'))).toBe('unknown-mnemonic');
    expect(codeOf((a) => a.emit('mov', eax, al))).toBe('no-matching-form');
    expect(codeOf((a) => a.emit('mov', mem(ebx), 5))).toBe('ambiguous-size');
    expect(codeOf((a) => a.emit('mov', al, 256))).toBe('no-matching-form');
    expect(codeOf((a) => a.emit('mov', al, 'x').fill(300).label('x'))).toBe('value-out-of-range');
    expect(codeOf((a) => a.emit('short jmp', 'x').fill(300).label('x'))).toBe('value-out-of-range');
    expect(codeOf((a) => a.emit('jmp', 'nowhere'))).toBe('unknown-label');
    expect(codeOf((a) => a.label('x').label('x'))).toBe('duplicate-label');
    expect(codeOf((a) => a.emit('mov', eax, mem32(ebx, esp)))).toBe('bad-operand');
    expect(codeOf((a) => a.emit('mov', eax, mem32(ebx, ecx, 3)))).toBe('bad-operand');
    expect(codeOf((a) => a.emit('lock mov', mem32(ebx), eax))).toBe('bad-prefix');
    expect(codeOf((a) => a.emit('rep add', eax, 1))).toBe('bad-prefix');
    expect(codeOf((a) => a.fill(8).fillTo(4))).toBe('value-out-of-range');
    expect(codeOf((a) => a.equ('x', 'y').equ('y', 'x').dd('x'))).toBe('unknown-label');
    expect(codeOf((a) => a.text('mov eax, ]'))).toBe('syntax');
  });

  it('say what is wrong and where', () => {
    const error = errorOf(() => assembleText('nop\n mov eax, bl'));
    expect(error).toMatchObject({ what: 'mov eax, bl', where: 'line 2' });
    expect(error.message).toContain('32-bit code: mov eax, bl (line 2)');
  });

  it('refuse AH beside a register that needs REX', () => {
    const { ah, r8b } = registers;
    expect(errorOf(() => assembled((a) => a.emit('mov', ah, r8b), 64)).code).toBe('bad-operand');
  });

  it('refuse registers that the mode does not have', () => {
    const { rax, r9d } = registers;
    expect(codeOf((a) => a.emit('mov', r9d, eax))).toBe('bad-operand');
    expect(codeOf((a) => a.emit('mov', rax, rax))).toBe('no-matching-form');
  });
});

describe('assembleText', () => {
  it('assembles a program with labels, data, comments and a mode switch', () => {
    const program = assembleText(
      `
      bits 16
      start:  cli                 ; comment with 'quote
              mov word [es:bx+si-2], VALUE+2*3
              jmp far 8:next
      VALUE equ 0x10
      bits 32
      next:   lock cmpxchg [ebx+ecx*4], edx
              db "ab;", 'c', 0
              dw $ - start, start
              times 2 nop
              resb 2
      `,
      { origin: 0x7c00 },
    );
    expect(hex(program)).toBe(
      'fa 26 c7 40 fe 16 00 ea 0c 7c 08 00 f0 0f b1 14 8b 61 62 3b 63 00 16 00 00 7c 90 90 00 00',
    );
  });

  it('gives the same bytes as the methods', () => {
    const text = assembleText('mov byte [ebx+4], 7\nadd ax, [0x1234]');
    const methods = assembled((a) => a.emit('mov', mem8(ebx, 4), 7).emit('add', ax, mem16(0x1234)));
    expect(hex(text)).toBe(methods);
  });

  it('reads numbers in the notations of assemblers', () => {
    expect(hex(assembleText('db 0x1f, 1fh, 0b101, 1_0, -1'))).toBe('1f 1f 05 0a ff');
    expect(errorOf(() => assembleText("db 'a' + ")).code).toBe('syntax');
  });

  it('mixes with the methods of one program', () => {
    const a = new Assembler();
    a.label('a').text('jmp b\nb: nop').emit('jmp', 'a');
    expect(hex(a.assemble())).toBe('eb 00 90 eb fb');
  });
});
