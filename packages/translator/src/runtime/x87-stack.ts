/** The register stack and the status word: SDM vol. 1, 8.1.2, 8.1.3 and 8.5.1. */
import { CpuState } from '@ringfence/memory';
import type { IrBuilder } from '../ir/builder.ts';
import type { Value } from '../ir/value.ts';
import type { RuntimeFunction } from './runtime-function.ts';
import { memorySlot, pendingWord, resultSlot, X87Builder, X87Flag } from './x87-format.ts';

const topField = 0x3800;
const topOne = 0x800;
const summary = 0x8080;

/** Exceptions that are detected before the operation: unmasked, they leave the operands alone. */
const preComputation = X87Flag.invalid | X87Flag.denormal | X87Flag.zeroDivide;

/**
 * `x87Settle()`: makes the pending word part of the status word; whether the result counts, which
 * it does not after an unmasked invalid operation, denormal operand or division by zero (SDM vol.
 * 1, 8.6).
 */
const settle: RuntimeFunction = {
  name: 'x87Settle',
  parameters: [],
  results: ['i32'],
  build: (b) => {
    const pending = b.load('i32.load', pendingWord);
    const old = b.and(b.load('i32.load', CpuState.fpuStatus), ~X87Flag.c1);
    const status = b.or(old, pending);
    const unmasked = b.not(b.load('i32.load', CpuState.fpuControl));
    const raised = b.select(b.and(b.and(status, unmasked), 0x3f), b.i32(summary), b.i32(0));
    b.store('i32.store', CpuState.fpuStatus, b.or(status, raised));
    b.return(b.eqz(b.and(b.and(pending, unmasked), preComputation)));
  },
};

/** `x87Pop()`: empties ST(0) and increments TOP. */
const pop: RuntimeFunction = {
  name: 'x87Pop',
  parameters: [],
  results: [],
  build: (b) => {
    const status = b.load('i32.load', CpuState.fpuStatus);
    const bit = b.shl(b.i32(1), b.and(b.shrU(status, 11), 7));
    const tags = b.load('i32.load', CpuState.fpuTags);
    b.store('i32.store', CpuState.fpuTags, b.and(tags, b.not(bit)));
    const moved = b.and(b.add(status, topOne), topField);
    b.store('i32.store', CpuState.fpuStatus, b.or(b.and(status, ~topField), moved));
  },
};

/** Copies a number between state addresses. */
export function copyNumber(b: IrBuilder, to: Value | number, from: Value | number): void {
  const split = (at: Value | number): [number, Value | undefined] =>
    typeof at === 'number' ? [at, undefined] : [0, at];
  const [source, sourceBase] = split(from);
  const [target, targetBase] = split(to);
  const significand = b.load('i64.load', source, sourceBase);
  const word = b.load('i32.load16_u', source + 8, sourceBase);
  b.store('i64.store', target, significand, targetBase);
  b.store('i32.store16', target + 8, word, targetBase);
}

/** `x87Put(number)`: writes the result slot to ST(number), which is not empty then. */
const put: RuntimeFunction = {
  name: 'x87Put',
  parameters: ['i32'],
  results: [],
  build: (b, number) => {
    if (!number) return;
    const x = new X87Builder(b);
    copyNumber(b, x.address(number), resultSlot);
    const tags = b.load('i32.load', CpuState.fpuTags);
    const bit = b.shl(b.i32(1), x.physical(number));
    b.store('i32.store', CpuState.fpuTags, b.or(tags, bit));
  },
};

/** `x87Push()`: settles, and pushes the result slot; on a full stack the indefinite NaN. */
const push: RuntimeFunction = {
  name: 'x87Push',
  parameters: [],
  results: [],
  build: (b) => {
    const x = new X87Builder(b);
    b.if(b.eqz(x.isEmpty(b.i32(7))), () => {
      // An empty source counts more: C1 is then 0.
      const underflow = b.and(b.load('i32.load', pendingWord), X87Flag.stackFault);
      x.clearPending();
      underflowStack(x);
      b.if(b.eqz(underflow), () => x.raise(X87Flag.c1));
    });
    // An unmasked denormal is pushed nevertheless, as processors do.
    const invalid = b.and(b.load('i32.load', pendingWord), X87Flag.invalid);
    b.if(b.or(b.call('x87Settle', 'i32'), b.eqz(invalid)), () => {
      const status = b.load('i32.load', CpuState.fpuStatus);
      const moved = b.and(b.sub(status, topOne), topField);
      b.store('i32.store', CpuState.fpuStatus, b.or(b.and(status, ~topField), moved));
      b.call('x87Put', 'void', b.i32(0));
    });
  },
};

/** Reports a stack underflow, whose masked response is the indefinite NaN. */
export function underflowStack(x: X87Builder): void {
  x.raise(X87Flag.stackFault);
  x.invalid();
}

/**
 * `x87Load(denormal)`: pushes the memory slot, a widened float: NaNs and denormals are reported.
 */
const load: RuntimeFunction = {
  name: 'x87Load',
  parameters: ['i32'],
  results: [],
  build: (b, denormal) => {
    if (!denormal) return;
    const x = new X87Builder(b);
    x.clearPending();
    const slot = b.i32(memorySlot);
    b.if(b.eqz(b.call('x87Special', 'i32', slot, slot, b.i32(0))), () => {
      copyNumber(b, resultSlot, memorySlot);
    });
    b.if(denormal, () => x.raise(X87Flag.denormal));
    b.call('x87Push', 'void');
  },
};

/** `x87LoadRegister(number)`: pushes a copy of ST(number). */
const loadRegister: RuntimeFunction = {
  name: 'x87LoadRegister',
  parameters: ['i32'],
  results: [],
  build: (b, number) => {
    if (!number) return;
    const x = new X87Builder(b);
    x.clearPending();
    copyNumber(b, resultSlot, x.address(number));
    b.if(x.isEmpty(number), () => underflowStack(x));
    b.call('x87Push', 'void');
  },
};

/** `x87PushConstant(word, significand)`: pushes a number without any exception but overflow. */
const pushConstant: RuntimeFunction = {
  name: 'x87PushConstant',
  parameters: ['i32', 'i64'],
  results: [],
  build: (b, word, significand) => {
    if (!word || !significand) return;
    const x = new X87Builder(b);
    x.clearPending();
    x.setResult(word, significand);
    b.call('x87Push', 'void');
  },
};

/** `x87LoadConstant(word, significand, nearest, up)`: a constant rounded down, raised by RC. */
const loadConstant: RuntimeFunction = {
  name: 'x87LoadConstant',
  parameters: ['i32', 'i64', 'i32', 'i32'],
  results: [],
  build: (b, word, significand, nearest, up) => {
    if (!word || !significand || !nearest || !up) return;
    const mode = new X87Builder(b).rounding();
    const raised = b.select(b.eq(mode, 2), up, b.i32(0));
    const by = b.select(mode, raised, nearest);
    b.call('x87PushNumber', 'void', word, b.add(significand, b.extendU(by)));
  },
};

/** Options of `x87Binary`. */
export const BinaryOption = { pop: 1, denormal: 2 } as const;

/**
 * `x87Binary(kind, to, left, right, options)`: ST(to) = ST(left) op ST(right), where 8 is the
 * memory slot; kind 0 adds, 1 subtracts, 2 multiplies, 3 divides.
 */
const binary: RuntimeFunction = {
  name: 'x87Binary',
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
  results: [],
  build: (b, kind, to, left, right, options) => {
    if (!kind || !to || !left || !right || !options) return;
    const x = new X87Builder(b);
    x.clearPending();
    b.if(
      b.or(x.isEmpty(left), x.isEmpty(right)),
      () => underflowStack(x),
      () => {
        const operands = [x.address(left), x.address(right), b.and(options, BinaryOption.denormal)];
        const call = (name: string): void => void b.call(name, 'void', ...operands);
        b.if(
          b.ltU(kind, 2),
          () =>
            b.if(
              kind,
              () => call('x87Sub'),
              () => call('x87Add'),
            ),
          () =>
            b.if(
              b.eq(kind, 2),
              () => call('x87Mul'),
              () => call('x87Div'),
            ),
        );
      },
    );
    b.if(b.call('x87Settle', 'i32'), () => {
      b.call('x87Put', 'void', to);
      b.if(b.and(options, BinaryOption.pop), () => b.call('x87Pop', 'void'));
    });
  },
};

/** A function that replaces ST(0) by `build`'s result in the result slot, from its address. */
export function unary(
  name: string,
  build: (x: X87Builder, address: Value) => void,
): RuntimeFunction {
  return {
    name,
    parameters: [],
    results: [],
    build: (b) => {
      const x = new X87Builder(b);
      x.clearPending();
      const zero = b.i32(0);
      b.if(
        x.isEmpty(zero),
        () => underflowStack(x),
        () => build(x, x.address(zero)),
      );
      b.if(b.call('x87Settle', 'i32'), () => b.call('x87Put', 'void', zero));
    },
  };
}

/** FCHS and FABS: no exception but stack underflow, NaNs and unsupported numbers included. */
function signOperation(
  name: string,
  change: (b: IrBuilder, word: Value) => Value,
): RuntimeFunction {
  return unary(name, (x, address) => {
    const b = x.b;
    const word = change(b, b.load('i32.load16_u', 8, address));
    x.setResult(word, b.load('i64.load', 0, address));
  });
}

/** `x87Exchange(number)`: FXCH; an empty register counts as the indefinite NaN. */
const exchange: RuntimeFunction = {
  name: 'x87Exchange',
  parameters: ['i32'],
  results: [],
  build: (b, number) => {
    if (!number) return;
    const x = new X87Builder(b);
    x.clearPending();
    const zero = b.i32(0);
    const [emptyTop, emptyOther] = [x.isEmpty(zero), x.isEmpty(number)];
    b.if(b.or(emptyTop, emptyOther), () => underflowStack(x));
    b.if(b.eqz(b.call('x87Settle', 'i32')), () => b.return());
    const move = (from: Value, empty: Value, to: number): void => {
      copyNumber(b, to, x.address(from));
      b.if(empty, () => x.setSlot(to, b.i32(0xffff), b.i64(3n << 62n)));
    };
    move(zero, emptyTop, memorySlot);
    move(number, emptyOther, resultSlot);
    b.call('x87Put', 'void', zero);
    copyNumber(b, resultSlot, memorySlot);
    b.call('x87Put', 'void', number);
  },
};

/** `x87Copy(to, from, pop)`: FST and FCMOVcc between registers. */
const copy: RuntimeFunction = {
  name: 'x87Copy',
  parameters: ['i32', 'i32', 'i32'],
  results: [],
  build: (b, to, from, popping) => {
    if (!to || !from || !popping) return;
    const x = new X87Builder(b);
    x.clearPending();
    copyNumber(b, resultSlot, x.address(from));
    b.if(x.isEmpty(from), () => underflowStack(x));
    b.if(b.eqz(b.call('x87Settle', 'i32')), () => b.return());
    b.call('x87Put', 'void', to);
    b.if(popping, () => b.call('x87Pop', 'void'));
  },
};

/** `x87CopyUnchecked(to)`: FSTPNCE; an empty ST(0) is popped without exception and copy. */
const copyUnchecked: RuntimeFunction = {
  name: 'x87CopyUnchecked',
  parameters: ['i32'],
  results: [],
  build: (b, to) => {
    if (!to) return;
    const x = new X87Builder(b);
    x.clearPending();
    const zero = b.i32(0);
    b.if(b.eqz(x.isEmpty(zero)), () => {
      copyNumber(b, resultSlot, x.address(zero));
      b.call('x87Put', 'void', to);
    });
    b.call('x87Settle', 'i32');
    b.call('x87Pop', 'void');
  },
};

/** `x87MoveIf(condition, number)`: FCMOVcc; empty registers count even if nothing moves. */
const moveIf: RuntimeFunction = {
  name: 'x87MoveIf',
  parameters: ['i32', 'i32'],
  results: [],
  build: (b, condition, number) => {
    if (!condition || !number) return;
    const x = new X87Builder(b);
    const zero = b.i32(0);
    b.if(
      b.or(x.isEmpty(zero), x.isEmpty(number)),
      () => {
        x.clearPending();
        underflowStack(x);
        b.if(b.call('x87Settle', 'i32'), () => b.call('x87Put', 'void', zero));
      },
      // C1 stays as it is.
      () => b.if(condition, () => copyNumber(b, x.address(zero), x.address(number))),
    );
  },
};

/** Stack functions and the operations that are little more. */
export const x87Stack: readonly RuntimeFunction[] = [
  settle,
  pop,
  put,
  push,
  load,
  loadRegister,
  pushConstant,
  loadConstant,
  binary,
  signOperation('x87ChangeSign', (b, word) => b.xor(word, 0x8000)),
  signOperation('x87Absolute', (b, word) => b.and(word, 0x7fff)),
  unary('x87SquareRoot', (x, address) => void x.b.call('x87Sqrt', 'void', address)),
  exchange,
  copy,
  copyUnchecked,
  moveIf,
];
