import type { ConsoleStreams } from './console-streams.ts';
import { ESCAPE_HELP, EscapeKeys } from './escape-keys.ts';

/** Where keys go and who is told of Ctrl-A x. */
export interface TerminalTarget {
  /** Takes bytes for the guest. */
  write(bytes: Uint8Array): void;
  exit(): void;
}

/**
 * Connects standard input to the guest: a terminal in raw mode with the keys after Ctrl-A kept for
 * the program, anything else byte for byte. Returns a function that puts the terminal back.
 */
export function connectInput(
  { stdin, stderr }: ConsoleStreams,
  target: TerminalTarget,
): () => void {
  const isTerminal = stdin.isTTY === true;
  const keys = new EscapeKeys();
  const onData = (chunk: Buffer): void => {
    if (!isTerminal) return target.write(chunk);
    const { bytes, commands } = keys.filter(chunk);
    if (bytes.length > 0) target.write(bytes);
    if (commands.includes('help')) stderr.write(`\r\n${ESCAPE_HELP}\r\n`);
    if (commands.includes('exit')) target.exit();
  };
  if (isTerminal) stdin.setRawMode?.(true);
  stdin.on('data', onData);
  stdin.resume();
  return () => {
    stdin.off('data', onData);
    stdin.pause();
    if (isTerminal) stdin.setRawMode?.(false);
  };
}
