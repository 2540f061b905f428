import { integer, record, type Shape } from '../state-shape.ts';

/** The register of port 0x92. */
export interface Port92State {
  /** Bits 1 and 0. */
  control: number;
}

/** The shape of the saved register. */
export const port92Shape: Shape<Port92State> = record<Port92State>({ control: integer(0, 3) });
