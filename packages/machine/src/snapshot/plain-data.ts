/**
 * Options and states as JSON, with byte arrays beside it: `{"$bytes": 3}` stands for the fourth.
 */
import { badSnapshot } from './container.ts';

const bytesKey = '$bytes';

/** The most levels of nesting that are followed. */
const maximumDepth = 16;

/** Whether a value is numbers, strings, flags, null, byte arrays, or arrays and objects of them. */
export function isPlain(value: unknown, depth: number = 0): boolean {
  if (value === null || ['number', 'string', 'boolean', 'undefined'].includes(typeof value)) {
    return true;
  }
  if (typeof value !== 'object' || depth > maximumDepth) {
    return false;
  }
  if (value instanceof Uint8Array) {
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlainObject = prototype === Object.prototype || prototype === null;
  return (
    (Array.isArray(value) || isPlainObject) &&
    Object.values(value).every((item) => isPlain(item, depth + 1))
  );
}

/** Returns plain data as JSON; byte arrays go to `attach`, which returns their number. */
export function toJson(value: unknown, attach: (bytes: Uint8Array) => number): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, item: unknown) {
    // Node's Buffer turns itself into an object of numbers before it is passed here.
    const bytes = this[key];
    return bytes instanceof Uint8Array ? { [bytesKey]: attach(bytes) } : item;
  });
}

/**
 * Returns the data of a JSON text, with byte arrays from `attachments`.
 *
 * @throws MachineError with code `bad-snapshot`.
 */
export function fromJson(text: string, attachments: readonly Uint8Array[]): unknown {
  try {
    return JSON.parse(text, (_key, item: unknown) => {
      if (typeof item !== 'object' || item === null || !Object.hasOwn(item, bytesKey)) {
        return item;
      }
      const number = (item as Readonly<Record<string, unknown>>)[bytesKey];
      const bytes = attachments[Number(number)];
      if (bytes === undefined) {
        throw badSnapshot('its state', 'byte arrays that are there', `number ${String(number)}`);
      }
      return bytes;
    });
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw badSnapshot('its state', 'JSON', error.message);
    }
    throw error;
  }
}
