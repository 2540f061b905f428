import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * The folder of what can be made or fetched again, where `pnpm start` and the tests have fetched
 * firmware too (`cacheFolder` of tools/guest, which the program does not come with):
 * `$XDG_CACHE_HOME/ringfence`, else `~/.cache/ringfence`. What is not absolute is ignored (XDG Base
 * Directory Specification 0.8).
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const [named, home] = [env['XDG_CACHE_HOME'], env['HOME'] ?? homedir()];
  if (named !== undefined && isAbsolute(named)) return join(named, 'ringfence');
  if (isAbsolute(home)) return join(home, '.cache', 'ringfence');
  return join(tmpdir(), `ringfence-${process.getuid?.() ?? 'cache'}`);
}
