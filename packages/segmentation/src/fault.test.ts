import { describe, expect, it } from 'vitest';
import {
  fault,
  faultErrorCode,
  faultFromFields,
  faultHasError,
  faultVector,
  faultVectorField,
  formatFault,
  generalProtection,
  invalidOpcode,
  noFault,
  pageFault,
  stackFault,
} from './fault.ts';

describe('fault', () => {
  it('tells #DE from no fault', () => {
    expect(fault(0)).not.toBe(noFault);
    expect(faultVector(fault(0))).toBe(0);
    expect(faultHasError(fault(0))).toBe(false);
  });

  it('keeps vector and error code', () => {
    const value = generalProtection(0xfffc);
    expect(faultVector(value)).toBe(13);
    expect(faultHasError(value)).toBe(true);
    expect(faultErrorCode(value)).toBe(0xfffc);
  });

  it('has an error code of 0 where there is one', () => {
    expect(faultHasError(stackFault(0))).toBe(true);
    expect(faultErrorCode(stackFault(0))).toBe(0);
  });

  it('goes through the fields of the CPU state and back', () => {
    for (const value of [generalProtection(0x1ab), pageFault(7), invalidOpcode, fault(0)]) {
      expect(faultFromFields(faultVectorField(value), faultErrorCode(value))).toBe(value);
    }
    expect(faultFromFields(-1, 5)).toBe(noFault);
  });

  it.each([
    [noFault, 'none'],
    [invalidOpcode, '#UD'],
    [generalProtection(0x10), '#GP(0x10)'],
    [fault(0x55), '#85'],
  ])('formats %i as %s', (value, text) => {
    expect(formatFault(value)).toBe(text);
  });
});
