import { DeviceError } from './error.ts';
import type { DeviceState, StateValue } from './interfaces.ts';

/**
 * Checks that `value` has a shape and returns a fresh copy of it.
 *
 * One shape serves both ways: `save` copies live registers with it, `restore` checks foreign data.
 * `path` names the place within the state for the message of the `DeviceError`.
 */
export type Shape<T> = (value: unknown, path: string) => T;

/** The shape of a whole number from `minimum` to `maximum`, both included. */
export function integer(minimum: number, maximum: number): Shape<number> {
  return (value, path) => {
    if (Number.isInteger(value)) {
      const found = value as number; // Number.isInteger is true for numbers only.
      if (found >= minimum && found <= maximum) {
        return found;
      }
    }
    return refuse(path, `a whole number in ${String(minimum)}..${String(maximum)}`, value);
  };
}

/** The shape of any finite number: clock readings, which are doubles. */
export function finite(): Shape<number> {
  return (value, path) =>
    typeof value === 'number' && Number.isFinite(value)
      ? value
      : refuse(path, 'a finite number', value);
}

/** The shape of `true` or `false`. */
export function flag(): Shape<boolean> {
  return (value, path) =>
    typeof value === 'boolean' ? value : refuse(path, 'true or false', value);
}

/** The shape of one of a few strings. */
export function oneOf<T extends string>(...names: readonly T[]): Shape<T> {
  return (value, path) =>
    names.find((name) => name === value) ?? refuse(path, `one of ${names.join(', ')}`, value);
}

/** The shape of a value that may be `null` instead. */
export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path) => (value === null ? null : shape(value, path));
}

/** The shape of an array of `minimum` to `maximum` items. */
export function list<T>(item: Shape<T>, minimum: number, maximum: number = minimum): Shape<T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < minimum || value.length > maximum) {
      return refuse(path, `${String(minimum)}..${String(maximum)} items`, value);
    }
    return Array.from(value, (entry, index) => item(entry, `${path}[${String(index)}]`));
  };
}

/** The shape of an object with exactly these fields. */
export function record<T extends object>(fields: { [K in keyof T]: Shape<T[K]> }): Shape<T> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null) {
      return refuse(path, 'an object', value);
    }
    // Every non-null object can be indexed.
    const found = value as Readonly<Record<string, unknown>>;
    for (const name of Object.keys(found)) {
      if (!Object.hasOwn(fields, name)) {
        refuse(`${path}.${name}`, 'no such field', found[name]);
      }
    }
    const copy: Partial<T> = {};
    for (const name in fields) {
      copy[name] = fields[name](found[name], `${path}.${name}`);
    }
    return copy as T; // The loop filled in every field of T.
  };
}

/** Wraps a copy of `registers` as the saved state of `device`. */
export function saveState<T extends object>(
  device: string,
  version: number,
  shape: Shape<T>,
  registers: T,
): DeviceState {
  const copy = shape(registers, device) as { readonly [field: string]: StateValue };
  return { device, version, registers: copy };
}

/**
 * Returns the registers within a saved state of `device`.
 *
 * @throws DeviceError with code `bad-state` when it is of another device, another version, or
 * damaged.
 */
export function openState<T>(state: unknown, device: string, version: number, shape: Shape<T>): T {
  const header = record<{ device: string; version: number; registers: unknown }>({
    device: oneOf(device),
    version: integer(version, version),
    registers: (value) => value,
  })(state, 'state');
  return shape(header.registers, device);
}

function refuse(path: string, expected: string, found: unknown): never {
  const seen = typeof found === 'object' && found !== null ? 'an object' : String(found);
  throw new DeviceError('bad-state', `${path}: expected ${expected}, found ${seen.slice(0, 40)}`);
}
