/**
 * Machine frames that a paravirtual guest gave back, and gets again: there are no others.
 */
import { pageBytes } from '@ringfence/memory';
import { XenError } from '../constants.ts';
import type { FramePool } from '../machine-frames.ts';
import type { PvGuest } from './guest.ts';
import { PageOwner } from './page-info.ts';

/** Makes the pool of a guest; its frames are `guest.freeFrames`. */
export function framePool(guest: PvGuest): FramePool {
  const { info } = guest;
  const free = guest.freeFrames;
  /**
   * Takes a frame back. One that is in use, as GNU Mach gives them, stays what it is as long as it
   * is used, and is not given out again.
   */
  const release = (frame: number): boolean => {
    if (info.owner(frame) !== PageOwner.guest) {
      return false;
    }
    if (info.uses(frame) === 0) {
      info.setOwner(frame, frame + 1, PageOwner.nobody);
      free.push(frame);
    }
    return true;
  };
  const give = (frame: number, number: number | undefined): void => {
    info.setOwner(frame, frame + 1, PageOwner.guest);
    guest.domain.services.memory.write(frame * pageBytes, new Uint8Array(pageBytes));
    if (number !== undefined) {
      guest.area.setMachineFrame(frame, number);
    }
  };
  const isUnused = (frame: number): boolean =>
    info.owner(frame) === PageOwner.guest && info.uses(frame) === 0;
  return {
    machineFrames: guest.area.machineFrames,
    get free() {
      return free.length;
    },
    release,
    steal: (frame) => isUnused(frame) && release(frame),
    allocate: (number, order) => {
      const start = order === 0 ? free.at(-1) : pickRuns(free, 1, 2 ** order)?.[0];
      for (let offset = 0; start !== undefined && offset < 2 ** order; offset += 1) {
        free.splice(free.lastIndexOf(start + offset), 1);
        give(start + offset, number === undefined ? undefined : number + offset);
      }
      return start;
    },
    exchange: (frames, numbers, order) => {
      if (new Set(frames).size !== frames.length || !frames.every(isUnused)) {
        return -XenError.invalid;
      }
      const starts = pickRuns([...frames, ...free], numbers.length, 2 ** order);
      if (starts === undefined) {
        return -XenError.noMemory;
      }
      frames.forEach(release);
      for (const [index, start] of starts.entries()) {
        for (let offset = 0; offset < 2 ** order; offset += 1) {
          free.splice(free.indexOf(start + offset), 1);
          give(start + offset, (numbers[index] ?? 0) + offset);
        }
      }
      return starts;
    },
  };
}

/** Aligned runs of frames out of those that there are; nothing where there are too few. */
function pickRuns(
  frames: readonly number[],
  count: number,
  length: number,
): readonly number[] | undefined {
  const there = new Set(frames);
  const starts: number[] = [];
  for (const frame of [...there].sort((one, other) => one - other)) {
    const isWhole = frame % length === 0 && starts.length < count;
    const run = Array.from({ length }, (_nothing, index) => frame + index);
    if (isWhole && run.every((one) => there.has(one))) {
      starts.push(frame);
    }
  }
  return starts.length === count ? starts : undefined;
}
