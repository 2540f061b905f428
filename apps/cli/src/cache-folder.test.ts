import { cacheFolder as fetchedTo } from '@ringfence/guest';
import { expect, it } from 'vitest';
import { cacheFolder } from './cache-folder.ts';

it('is below the folder that the user names, else below the one of the home folder', () => {
  const env = { HOME: '/home/somebody' };
  expect(cacheFolder({ ...env, XDG_CACHE_HOME: '/somewhere' })).toBe('/somewhere/ringfence');
  for (const XDG_CACHE_HOME of ['', 'relative']) {
    expect(cacheFolder({ ...env, XDG_CACHE_HOME })).toBe('/home/somebody/.cache/ringfence');
  }
  expect(cacheFolder(env)).toBe('/home/somebody/.cache/ringfence');
});

it('is where the guest tools put firmware', () => {
  const cases = [{}, { HOME: '' }, { HOME: '/root' }, { HOME: '/root', XDG_CACHE_HOME: 'x' }];
  for (const env of cases) expect(cacheFolder(env)).toBe(fetchedTo(env));
});
