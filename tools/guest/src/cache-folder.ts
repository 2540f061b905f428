import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * The folder under which Ringfence keeps what it fetched: `$XDG_CACHE_HOME/ringfence` or
 * `~/.cache/ringfence`. XDG Base Directory Specification 0.8: a relative value is ignored.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env['XDG_CACHE_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'ringfence');
  const home = env['HOME'] ?? homedir();
  return isAbsolute(home)
    ? join(home, '.cache', 'ringfence')
    : join(tmpdir(), `ringfence-${process.getuid?.() ?? 'cache'}`);
}
