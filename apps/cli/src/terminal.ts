import type { ConsoleStreams } from './console-streams.ts';
import { type EscapeCommand, EscapeKeys } from './escape-keys.ts';

/** Where keys go and who is told of the keys after Ctrl-A. */
export interface TerminalTarget {
  /** Takes bytes for the guest and returns how many it had room for. */
  write(bytes: Uint8Array): number;
  /** Resolves when there is room again. */
  drained(): Promise<void>;
  command(name: EscapeCommand): void;
}

/**
 * Connects standard input to the guest: a terminal in raw mode with the keys after Ctrl-A kept for
 * the program, anything else byte for byte. Returns a function that puts the terminal back.
 *
 * While the guest does not take its input no more is read, so that `yes | ringfence run` does not
 * grow. A terminal is read on, for the program's own keys; what the guest has no room for is lost.
 */
export function connectInput({ stdin }: ConsoleStreams, target: TerminalTarget): () => void {
  const isTerminal = stdin.isTTY === true;
  const keys = new EscapeKeys();
  let isConnected = true;
  const pass = (chunk: Uint8Array): void => {
    const taken = target.write(chunk);
    if (taken === chunk.length || !isConnected || isTerminal) return;
    stdin.pause();
    void target.drained().then(() => {
      if (!isConnected) return;
      stdin.resume();
      pass(chunk.subarray(taken));
    });
  };
  const onData = (chunk: Buffer): void => {
    if (!isTerminal) return pass(chunk);
    const { bytes, commands } = keys.filter(chunk);
    if (bytes.length > 0) pass(bytes);
    for (const command of commands) target.command(command);
  };
  if (isTerminal) stdin.setRawMode?.(true);
  stdin.on('data', onData);
  stdin.resume();
  return () => {
    isConnected = false;
    stdin.off('data', onData);
    stdin.pause();
    if (isTerminal) stdin.setRawMode?.(false);
  };
}
