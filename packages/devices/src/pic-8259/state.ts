import { flag, integer, list, record, type Shape } from '../state-shape.ts';

/** The registers of one 8259A; bit n of a mask stands for input n. */
export interface PicChipState {
  /** The levels of the inputs. */
  lines: number;
  /** Rising edges seen and not yet acknowledged. */
  edges: number;
  /** Interrupt mask register. */
  mask: number;
  /** In-service register. */
  inService: number;
  /** Inputs that are level-triggered. */
  levelTriggered: number;
  /** The input with the lowest priority; the one after it has the highest. */
  lowestPriority: number;
  /** ICW2: the vector of input 0. */
  vectorBase: number;
  /** Whether an initialization was ever completed. */
  initialized: boolean;
  /** The initialization word that the data port expects next: 2, 3, 4, or 0 for OCW1. */
  nextIcw: number;
  /** ICW1 said that there is no cascade. */
  single: boolean;
  /** ICW1 said that an ICW4 follows. */
  needsIcw4: boolean;
  /** ICW4: automatic end of interrupt. */
  automaticEoi: boolean;
  /** OCW2: rotate priorities at each automatic end of interrupt. */
  rotateInAutomaticEoi: boolean;
  /** ICW4: special fully nested mode. */
  specialFullyNested: boolean;
  /** OCW3: special mask mode. */
  specialMask: boolean;
  /** OCW3: the command port reads the ISR. */
  readsInService: boolean;
  /** OCW3: the next read is a poll. */
  polls: boolean;
}

/** The registers of the pair: the master, then the slave. */
export interface PicPairState {
  /** The two chips. */
  chips: PicChipState[];
}

/** Returns a chip as it is after power-on: it asks for nothing before it is initialized. */
export function powerOnPicChip(): PicChipState {
  return {
    lines: 0,
    edges: 0,
    mask: 0,
    inService: 0,
    levelTriggered: 0,
    lowestPriority: 7,
    vectorBase: 0,
    initialized: false,
    nextIcw: 0,
    single: false,
    needsIcw4: false,
    automaticEoi: false,
    rotateInAutomaticEoi: false,
    specialFullyNested: false,
    specialMask: false,
    readsInService: false,
    polls: false,
  };
}

const byte = integer(0, 0xff);

/** The shape of one chip's registers. */
export const picChipShape: Shape<PicChipState> = record<PicChipState>({
  lines: byte,
  edges: byte,
  mask: byte,
  inService: byte,
  levelTriggered: byte,
  lowestPriority: integer(0, 7),
  vectorBase: byte,
  initialized: flag(),
  nextIcw: integer(0, 4),
  single: flag(),
  needsIcw4: flag(),
  automaticEoi: flag(),
  rotateInAutomaticEoi: flag(),
  specialFullyNested: flag(),
  specialMask: flag(),
  readsInService: flag(),
  polls: flag(),
});

/** The shape of the pair's saved registers. */
export const picPairShape: Shape<PicPairState> = record<PicPairState>({
  chips: list(picChipShape, 2),
});
