import { describe, expect, it } from 'vitest';
import { fromJson, toJson } from './plain-data.ts';

describe('plain data', () => {
  it.each([new Uint8Array([1, 2, 3]), Buffer.from([1, 2, 3])])(
    'keeps byte arrays beside the JSON, of Node too: %s',
    (bytes) => {
      const attachments: Uint8Array[] = [];
      const json = toJson({ deep: [{ bytes }] }, (item) => attachments.push(item) - 1);
      expect(json).toBe('{"deep":[{"bytes":{"$bytes":0}}]}');
      expect(fromJson(json, attachments)).toEqual({ deep: [{ bytes }] });
    },
  );
});
