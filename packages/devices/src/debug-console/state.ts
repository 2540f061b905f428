import { record, type Shape } from '../state-shape.ts';

/** The device has no registers. */
export type DebugConsoleState = Record<never, never>;

/** The shape of no registers. */
export const debugConsoleShape: Shape<DebugConsoleState> = record<DebugConsoleState>({});
