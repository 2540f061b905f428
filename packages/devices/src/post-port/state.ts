import { integer, record, type Shape } from '../state-shape.ts';

/** The register of port 0x80. */
export interface PostPortState {
  /** The code last written. */
  code: number;
}

/** The shape of the saved register. */
export const postPortShape: Shape<PostPortState> = record<PostPortState>({
  code: integer(0, 0xff),
});
