import { finite, flag, record, type Shape } from '../state-shape.ts';

/** What the speaker does. */
export interface PcSpeakerState {
  /** The frequency of the tone that it makes, 0 for none. */
  hertz: number;
  /** Without a tone: whether the cone is out. */
  high: boolean;
}

/** The shape of the saved state. */
export const pcSpeakerShape: Shape<PcSpeakerState> = record<PcSpeakerState>({
  hertz: finite(),
  high: flag(),
});
