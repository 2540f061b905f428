/** The TCP port of `-s` and `-gdb` at which a debugger connects to the machine. */
import { createServer } from 'node:net';
import type { Machine, Settings } from '@ringfence/machine';
import { UsageError } from './usage-error.ts';

const defaultPort = 1234;
const localHost = '127.0.0.1';

/** Where to wait for a debugger. */
export interface GdbAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * The address of `-s` or `-gdb`; none without them.
 *
 * @throws UsageError for anything but `tcp:[HOST]:PORT`.
 */
export function gdbAddress(settings: Settings): GdbAddress | undefined {
  if (settings.gdb === undefined) {
    return settings.gdbDefault ? { host: localHost, port: defaultPort } : undefined;
  }
  const [, host = '', port = ''] = /^tcp:([^:]*):(\d+)$/.exec(settings.gdb) ?? [];
  if (port === '' || Number(port) > 0xffff) {
    throw new UsageError(`option -gdb: expected tcp:[HOST]:PORT, found "${settings.gdb}"`);
  }
  return { host: host === '' ? localHost : host, port: Number(port) };
}

/** Waits for debuggers, one at a time; `failed` is called if the port cannot be had. */
export function serveGdb(
  machine: Machine,
  { host, port }: GdbAddress,
  failed: (message: string) => void,
): () => void {
  const closers = new Set<() => void>();
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    const connection = machine.debug((bytes) => void socket.write(bytes));
    if (connection === undefined) {
      socket.destroy();
      return;
    }
    socket.on('data', (bytes) => {
      connection.receive(bytes);
    });
    // A connection that breaks is one that closes.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      connection.close();
    });
    closers.add(() => socket.destroy());
  });
  server.on('error', (error) => {
    failed(`option -gdb: ${host}:${port}: ${error.message}`);
  });
  server.listen(port, host);
  return () => {
    server.close();
    for (const close of closers) close();
  };
}
