/** A bar on the terminal for what takes a while. */
import { SingleBar } from 'cli-progress';
import type { OutputStream } from './console-streams.ts';

/** What is told of the work. */
export interface Progress {
  /** Says how much of the total is done. */
  update(this: void, done: number): void;
  /** Takes the bar away. */
  end(): void;
}

/** Draws a bar on a stream if it is a terminal; on others nothing is written. */
export function showProgress(title: string, total: number, stream?: OutputStream): Progress {
  if (stream?.isTTY !== true) return { update: () => undefined, end: () => undefined };
  const bar = new SingleBar({
    // The streams of the program that are terminals are those of the process.
    stream: stream as NodeJS.WriteStream,
    format: `${title} [{bar}] {percentage}%, {eta_formatted} left`,
    barCompleteChar: '=',
    barIncompleteChar: ' ',
    clearOnComplete: true,
    hideCursor: true,
  });
  bar.start(total, 0);
  return { update: (done) => bar.update(done), end: () => bar.stop() };
}
