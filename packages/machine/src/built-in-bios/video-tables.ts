/** The tables about the display in the ROM of the built-in BIOS. */
import { Rom } from './layout.ts';
import { vbeModes } from './vbe-modes.ts';
import { videoParameters } from './video-parameters.ts';

/**
 * What the display can do (INT 10h, AH = 1Bh): modes 0 to 7, 0Dh to 13h, 200, 350 and 400 lines,
 * two fonts of eight at a time, and services.
 */
const abilities: readonly number[] = [
  0xff, 0xe0, 0x0f, 0, 0, 0, 0, 7, 2, 8, 0xe7, 0x0c, 0, 0, 0, 0,
];
const vbeName = 'Ringfence';
const segmentBytes: readonly number[] = [Rom.segment & 0xff, Rom.segment >> 8];

/** Puts the display's tables at an offset on, and tells where they are. */
export function putVideoTables(
  put: (offset: number, bytes: ArrayLike<number>) => void,
  videoAbilities: number,
): { videoAbilities: number; name: number; videoTables: number; modes: number; end: number } {
  put(videoAbilities, abilities);
  const name = videoAbilities + abilities.length;
  const nameBytes = Array.from(`${vbeName}\0`, (character) => character.charCodeAt(0));
  put(name, nameBytes);
  const parameters = name + nameBytes.length;
  const parameterBytes = videoParameters();
  put(parameters, parameterBytes);
  // Of seven far pointers only the first names something (IBM PS/2 BIOS, "Save pointer").
  const videoTables = parameters + parameterBytes.length;
  put(videoTables, [parameters & 0xff, parameters >> 8, ...segmentBytes]);
  const modes = videoTables + 7 * 4;
  const numbers = [...vbeModes.map(({ number }) => number), 0xffff];
  put(
    modes,
    numbers.flatMap((number) => [number & 0xff, number >> 8]),
  );
  return { videoAbilities, name, videoTables, modes, end: modes + 2 * numbers.length };
}
