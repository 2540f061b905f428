/**
 * The speaker of a PC (IBM AT Technical Reference, "Speaker"): it has no registers of its own.
 *
 *     speaker = OUT 2 of the 8254, while bit 1 of port 0x61 lets it through
 *     OUT 2 counts while bit 0 of port 0x61, its gate, is set
 */

/** Frequencies above this are no tone: programs set them to be silent, or to drive the cone. */
export const highestToneHertz = 20_000;
