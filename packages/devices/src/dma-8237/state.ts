import { flag, integer, list, record, type Shape } from '../state-shape.ts';

/** The registers of one channel. */
export interface DmaChannelState {
  baseAddress: number;
  baseCount: number;
  address: number;
  count: number;
  /** The mode register without the channel number. */
  mode: number;
}

/** One 8237A; bit n of a mask stands for channel n. */
export interface DmaControllerState {
  channels: DmaChannelState[];
  command: number;
  /** Channels that are masked. */
  mask: number;
  /** Channels that have come to their terminal count since the status was read. */
  ended: number;
  /** Channels that software has requested. */
  requests: number;
  /** Whether the next byte of an address or a count is the high one. */
  highByte: boolean;
}

/** The registers of the pair. */
export interface DmaState {
  controllers: DmaControllerState[];
  /** The page registers 0x80 to 0x8f. */
  pages: number[];
}

const byte = integer(0, 0xff);
const word = integer(0, 0xffff);
const mask = integer(0, 0x0f);

/** The shape of the saved registers. */
export const dmaShape: Shape<DmaState> = record<DmaState>({
  controllers: list(
    record<DmaControllerState>({
      channels: list(
        record<DmaChannelState>({
          baseAddress: word,
          baseCount: word,
          address: word,
          count: word,
          mode: byte,
        }),
        4,
      ),
      command: byte,
      mask,
      ended: mask,
      requests: mask,
      highByte: flag(),
    }),
    2,
  ),
  pages: list(byte, 16),
});

/** Returns a controller after reset: every channel is masked. */
export function powerOnDmaController(): DmaControllerState {
  return {
    channels: Array.from({ length: 4 }, () => ({
      baseAddress: 0,
      baseCount: 0,
      address: 0,
      count: 0,
      mode: 0,
    })),
    command: 0,
    mask: 0x0f,
    ended: 0,
    requests: 0,
    highByte: false,
  };
}

/** Returns the pair after reset. */
export function powerOnDma(): DmaState {
  return {
    controllers: [powerOnDmaController(), powerOnDmaController()],
    pages: Array.from({ length: 16 }, () => 0),
  };
}
