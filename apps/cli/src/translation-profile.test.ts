import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '@ringfence/machine';
import { afterAll, describe, expect, it } from 'vitest';
import { ProfileFile } from './translation-profile.ts';
import { UsageError } from './usage-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-profile-'));
afterAll(() => rmSync(folder, { recursive: true }));

const settings = (translationProfile?: string): Settings => ({ translationProfile }) as Settings;
const machine = { translationProfile: () => Uint8Array.of(1, 2, 3) };

describe('the translation profile of a run', () => {
  it('is empty at first and kept for the next run, in folders that are made', () => {
    const path = join(folder, 'cache', 'ringfence', 'profile');
    const file = new ProfileFile(settings(), path);
    expect(file.read()).toEqual(new Uint8Array());
    expect(file.write(machine)).toBeUndefined();
    expect([...(new ProfileFile(settings(), path).read() ?? [])]).toEqual([1, 2, 3]);
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  });

  it('is in the file that is named', () => {
    const [named, other] = [join(folder, 'named'), join(folder, 'other')];
    new ProfileFile(settings(named), other).write(machine);
    expect([existsSync(named), existsSync(other)]).toEqual([true, false]);
  });

  it('is nowhere with none, and where there is no place for it', () => {
    for (const file of [
      new ProfileFile(settings('none'), join(folder, 'unused')),
      new ProfileFile(settings(), undefined),
    ]) {
      expect(file.read()).toBeUndefined();
      expect(file.write(machine)).toBeUndefined();
    }
    expect(existsSync(join(folder, 'unused'))).toBe(false);
  });

  it('is not written by a machine that has none', () => {
    const path = join(folder, 'never');
    new ProfileFile(settings(path), undefined).write({ translationProfile: () => undefined });
    expect(existsSync(path)).toBe(false);
  });

  it('is complained of only where it was asked for', () => {
    const inTheWay = join(folder, 'folder');
    mkdirSync(inTheWay);
    writeFileSync(join(inTheWay, 'file'), '');
    expect(() => new ProfileFile(settings(inTheWay), undefined).read()).toThrow(UsageError);
    expect(new ProfileFile(settings(), inTheWay).read()).toEqual(new Uint8Array());
    const below = join(inTheWay, 'file', 'below');
    expect(new ProfileFile(settings(below), undefined).write(machine)).toMatch(/^option --transl/);
    expect(new ProfileFile(settings(), below).write(machine)).toBeUndefined();
  });
});
