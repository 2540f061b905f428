import { parseParameters } from '@ringfence/machine';
import type { Settings } from '@ringfence/machine';

/**
 * Reads a page's query, such as `?m=64&kernel=vmlinuz`, into settings: the names are those of the
 * command line's options, without their dashes.
 *
 * @throws MachineError with code `bad-option` for a query that names no machine.
 */
export function settingsOfUrl(query: string): Settings {
  return parseParameters(new URLSearchParams(query));
}
