import type { Mnemonic } from './mnemonics.ts';
import type { OperandInput } from './operand.ts';

/** A method for each mnemonic, in lower case. */
export type Operations = Readonly<Record<Mnemonic, (...operands: readonly OperandInput[]) => void>>;

type Emit = (mnemonic: string, operands: readonly OperandInput[]) => void;

/** Methods that pass their name and operands to `emit`; what exists is decided there. */
export function operations(emit: Emit): Operations {
  // The proxy answers to every name, so to those of the type as well.
  return new Proxy({} as Operations, {
    get:
      (_target, name) =>
      (...operands: readonly OperandInput[]) => {
        emit(String(name), operands);
      },
  });
}
