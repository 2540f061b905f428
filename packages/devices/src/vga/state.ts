import { flag, integer, list, record, type Shape } from '../state-shape.ts';
import { mode3, registerCount } from './registers.ts';
import { vbeIdentity, vbeRegister, vbeRegisterCount } from './vbe.ts';

/** The registers of the VGA. */
export interface VgaState {
  /** Miscellaneous output. */
  misc: number;
  /** Feature control. */
  feature: number;
  /** Video subsystem enable. */
  enable: number;
  /** Sequencer index. */
  sequencerIndex: number;
  /** Sequencer registers. */
  sequencer: number[];
  /** Graphics controller index. */
  graphicsIndex: number;
  /** Graphics controller registers. */
  graphics: number[];
  /** CRTC index. */
  crtcIndex: number;
  /** CRTC registers. */
  crtc: number[];
  /** Attribute index, with the bit that switches the display on. */
  attributeIndex: number;
  /** Attribute registers. */
  attribute: number[];
  /** The next write to the attribute port is data. */
  attributeTakesData: boolean;
  /** Palette mask. */
  paletteMask: number;
  /** The palette entry of the next data access. */
  paletteIndex: number;
  /** The component of the next data access: 0 red, 1 green, 2 blue. */
  paletteComponent: number;
  /** Red and green of an entry whose blue is still to be written: only that changes it. */
  paletteWritten: number[];
  /** Data accesses are reads. */
  paletteReads: boolean;
  /** 256 entries of red, green and blue: 6 bits each, or 8 as the VBE enable register says. */
  palette: number[];
  /** What the last read left in the latches: a byte of each plane, plane 0 lowest. */
  latches: number;
  /** VBE index. */
  vbeIndex: number;
  /** VBE registers. */
  vbe: number[];
}

/** Returns the registers of text mode 3, as firmware leaves them. */
export function powerOnVga(): VgaState {
  return {
    misc: mode3.misc,
    feature: 0,
    enable: 1,
    sequencerIndex: 0,
    sequencer: [...mode3.sequencer],
    graphicsIndex: 0,
    graphics: [...mode3.graphics],
    crtcIndex: 0,
    crtc: [...mode3.crtc],
    attributeIndex: 0x20,
    attribute: [...mode3.attribute],
    attributeTakesData: false,
    paletteMask: 0xff,
    paletteIndex: 0,
    paletteComponent: 0,
    paletteWritten: [0, 0],
    paletteReads: false,
    palette: Array.from({ length: 768 }, (_, index) =>
      textPalette(Math.floor(index / 3), index % 3),
    ),
    latches: 0,
    vbeIndex: 0,
    vbe: Array.from({ length: vbeRegisterCount }, (_, index) =>
      index === vbeRegister.identity ? vbeIdentity : 0,
    ),
  };
}

/**
 * Returns a component of the palette of text modes: six bits r g b R G B, the upper three half as
 * bright.
 */
function textPalette(entry: number, component: number): number {
  if (entry >= 64) {
    return 0;
  }
  const bright = (entry >> (2 - component)) & 1;
  const dim = (entry >> (5 - component)) & 1;
  return bright * 0x2a + dim * 0x15;
}

const byte = integer(0, 0xff);

/** The shape of the saved registers. */
export const vgaShape: Shape<VgaState> = record<VgaState>({
  misc: byte,
  feature: byte,
  enable: byte,
  sequencerIndex: byte,
  sequencer: list(byte, registerCount.sequencer),
  graphicsIndex: byte,
  graphics: list(byte, registerCount.graphics),
  crtcIndex: byte,
  crtc: list(byte, registerCount.crtc),
  attributeIndex: integer(0, 0x3f),
  attribute: list(byte, registerCount.attribute),
  attributeTakesData: flag(),
  paletteMask: byte,
  paletteIndex: byte,
  paletteComponent: integer(0, 2),
  paletteWritten: list(byte, 2),
  paletteReads: flag(),
  palette: list(byte, 768),
  latches: integer(-0x8000_0000, 0xffff_ffff),
  vbeIndex: integer(0, 0xffff),
  vbe: list(integer(0, 0xffff), vbeRegisterCount),
});
