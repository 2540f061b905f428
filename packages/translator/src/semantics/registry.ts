import type { InstructionContext } from './context.ts';

/** Builds the IR of one instruction. */
export type Semantics = (context: InstructionContext) => void;

/** Semantics by `Form.operation` of the instruction tables (`ADD`, `Jcc`, `MOVSB`). */
export type SemanticsTable = Readonly<Record<string, Semantics>>;
