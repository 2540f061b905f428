export { differences } from './compare.ts';
export { exclusionReason } from './exclusions.ts';
export { FAMILIES, familyOf, vectorFile } from './families.ts';
export { formKey } from './form-key.ts';
export {
  CODE,
  CODE_REGION,
  CODE_SELECTOR,
  DATA,
  DATA_END,
  DATA_SELECTOR,
  REGION_BYTES,
  STATE_BYTES,
  StateOffset,
  WINDOW,
  WINDOW_BYTES,
} from './layout.ts';
export { MachineState } from './machine-state.ts';
export { APPROXIMATE } from './setup-float.ts';
export { readHeader, readVectors } from './vector-file.ts';
export type { IgnoredBytes, VectorCase, VectorFault, VectorHeader } from './vector-file.ts';
