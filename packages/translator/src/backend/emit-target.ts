import type { FunctionBody } from '@ringfence/wasm';

/**
 * Where IR is emitted to: a case of the interpreter loop, a handler function, a region, a runtime
 * function. The methods write the code with which that place ends an instruction.
 */
export interface EmitTarget {
  readonly body: FunctionBody;
  /** WebAssembly local of IR parameter `index`. */
  parameter(index: number): number;
  /** Index of a runtime function or host import in the module. */
  functionIndex(name: string): number;
  /** Pushes the address of the current shadow directory for data. */
  pushDirectory(): void;
  /** Pushes the address of the code-page block of a page, by its distance; only in regions. */
  pushBlock?(index: number): void;
  /** Whether the fast path serves misaligned accesses too, as long as they are in one page. */
  readonly takesMisaligned?: boolean;
  /**
   * Gives the instruction up before it changed anything: it is done again, elsewhere. Where there
   * is this, guest accesses have a fast path only.
   */
  bail?(): void;
  /** Gives it up if the condition on the stack is not zero, after what `prepare` writes. */
  bailIf?(prepare: (() => void) | undefined): void;
  /** Called before a call that may look at or change the instruction budget. */
  beforeSlow(): void;
  /** Called after it. */
  afterSlow(): void;
  /** Ends the instruction: the next one runs. */
  next(): void;
  /** Ends the step: the same instruction runs again. */
  repeat(): void;
  /** Ends the instruction: its relative target runs. */
  jump(): void;
  /** Ends the instruction: the EIP on the stack runs. */
  jumpTo(): void;
  /** Leaves after a fault was recorded in the CPU state. */
  leave(): void;
  /** An instruction of a region begins; nowhere else. */
  mark?(index: number): void;
  /** Registers in locals are written to the CPU state; only in regions. */
  spill?(): void;
  /** And read from it. */
  reload?(): void;
  /** Writes a call of host function `number` with the arguments that `push` writes. */
  callout(number: number, push: () => void): void;
}
