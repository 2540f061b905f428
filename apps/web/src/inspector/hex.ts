/** Returns a number as at least eight hexadecimal digits. */
export function hex(value: number, digits: number = 8): string {
  return value.toString(16).padStart(digits, '0');
}
