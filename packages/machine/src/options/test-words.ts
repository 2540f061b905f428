import { findOption, parseParameters } from './parse.ts';
import type { Settings } from './settings.ts';

/** Settings from words as on a command line, each option with one dash and its value behind it. */
export function settingsOf(words: readonly string[]): Settings {
  const pairs: [string, string][] = [];
  for (let at = 0; at < words.length; at += 1) {
    const name = (words[at] ?? '').replace(/^--?/, '');
    const isFlag = findOption(name)?.value.kind === 'flag';
    pairs.push([name, isFlag ? '' : (words[++at] ?? '')]);
  }
  return parseParameters(pairs);
}
