import { record, type Shape } from '../state-shape.ts';

/** The device has no registers. */
export type DebugExitState = Record<never, never>;

/** The shape of no registers. */
export const debugExitShape: Shape<DebugExitState> = record<DebugExitState>({});
