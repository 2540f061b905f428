import type { Progress } from './apt.ts';

/** Gives a `Progress` that writes one line per step and one per further quarter of it. */
export function progressLines(write: (line: string) => void): Progress {
  let present = '';
  let quarter = 0;
  return (message, percent) => {
    const now = Math.floor((percent ?? 0) / 25);
    if (message !== present) {
      write(message);
    } else if (now > quarter) {
      write(`${message}: ${now * 25} %`);
    } else {
      return;
    }
    present = message;
    quarter = now;
  };
}
