import { describe, expect, it } from 'vitest';
import { contentKey, TranslationProfile } from './translation-profile.ts';

const key = 0xf_fedc_ba98_7654;

/** A profile with one page, as bytes. */
function sample(): Uint8Array {
  const profile = TranslationProfile.empty();
  profile.variants.push(-1, 0x3ff_1234);
  const page = profile.page(key);
  page.noteRegion([16, 48]);
  page.noteRegion([4095]);
  page.noteEased(52, 2);
  page.countSample(4095);
  for (const offset of [16, 18, 4095]) page.known.add(offset);
  return profile.toBytes();
}

describe('a translation profile', () => {
  it('is read as it was written, also when it was read before and not looked at', () => {
    const bytes = TranslationProfile.parse(sample())?.toBytes() ?? new Uint8Array();
    const profile = TranslationProfile.parse(bytes);
    expect(profile?.variants).toEqual([-1, 0x3ff_1234]);
    const page = profile?.find(key);
    expect(page?.regions).toEqual([[16, 48], [4095]]);
    expect([...(page?.known ?? [])]).toEqual([16, 18, 4095]);
    expect([...(page?.eased ?? [])]).toEqual([[52, 2]]);
  });

  it('counts samples by parts of a page from run to run', () => {
    const profile = TranslationProfile.empty();
    for (const offset of [300, 383, 384]) profile.page(key).countSample(offset);
    const page = TranslationProfile.parse(profile.toBytes())?.page(key);
    expect([page?.countSample(256), page?.countSample(400), page?.countSample(0)]).toEqual([
      3, 2, 1,
    ]);
    page?.forgetSamples(383);
    expect(page?.countSample(300)).toBe(1);
  });

  it('keeps one region for its first offset, and none with offsets of other pages', () => {
    const page = TranslationProfile.empty().page(key);
    page.noteRegion([16]);
    page.noteRegion([16, 20]);
    page.noteRegion([20, 4096]);
    page.noteRegion([20, -1]);
    page.noteRegion([]);
    expect(page.regions).toEqual([[16, 20]]);
  });

  it('is refused when it is cut, when it is something else, and with offsets past a page', () => {
    const bytes = sample();
    for (let length = 0; length < bytes.length; length++) {
      // A profile may end behind its head, and behind each page.
      const whole = length === 18;
      expect(TranslationProfile.parse(bytes.subarray(0, length)) !== undefined).toBe(whole);
    }
    const other = bytes.slice();
    other[4] = 1;
    expect(TranslationProfile.parse(other)).toBeUndefined();
    const far = bytes.slice();
    // Word 15 is the first known offset.
    new DataView(far.buffer).setUint16(30, 4096, true);
    expect(TranslationProfile.parse(far)).toBeUndefined();
  });

  it('throws at no bytes', () => {
    const bytes = sample();
    for (let seed = 1; seed < 3000; seed++) {
      const broken = bytes.slice();
      for (let times = 0; times < 3; times++) {
        broken[(seed * 7919 + times * 104_729) % broken.length] = (seed * 31 + times * 17) & 0xff;
      }
      expect(() => TranslationProfile.parse(broken)?.toBytes()).not.toThrow();
    }
  });

  it('forgets pages that no run has met for longest', () => {
    const profile = TranslationProfile.empty();
    for (let number = 0; number < 8192; number++) profile.page(number);
    const next = TranslationProfile.parse(profile.toBytes());
    next?.find(0);
    const third = TranslationProfile.parse(next?.toBytes() ?? new Uint8Array());
    third?.page(9000);
    expect(third?.size).toBe(8192);
    expect([third?.find(0), third?.find(9000)]).not.toContain(undefined);
  });
});

it('gives pages of other content another key', () => {
  const words = Int32Array.from({ length: 1024 }, (_, index) => Math.imul(index, 0x9e37_79b9));
  const keys = new Set([contentKey(words, 0)]);
  for (let bit = 0; bit < 32 * 1024; bit += 7) {
    const changed = words.slice();
    changed[bit >> 5] = (words[bit >> 5] ?? 0) ^ (1 << (bit & 31));
    keys.add(contentKey(changed, 0));
  }
  expect(keys.size).toBe(1 + Math.ceil((32 * 1024) / 7));
  for (const each of keys) expect(Number.isSafeInteger(each)).toBe(true);
});
