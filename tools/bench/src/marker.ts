import { BOOT_MARKER } from '@ringfence/guest';

/**
 * The lines by which a benchmark guest says where it is:
 *
 *     BOOT-OK           /init runs, or the program's first instructions have
 *     @@ready           it now reads names of workloads, one in a line
 *     @@begin NAME      the workload starts, its data are prepared
 *     @@end NAME        it is done
 */
export interface Marker {
  readonly kind: 'boot' | 'ready' | 'begin' | 'end';
  /** Empty unless a workload begins or ends. */
  readonly name: string;
}

const PATTERN = /^@@(ready|begin|end) ?([\w-]*)$/;

/** Reads a line of the serial port as a marker; undefined if it is none. */
export function readMarker(line: string): Marker | undefined {
  const text = line.trim();
  if (text === BOOT_MARKER) return { kind: 'boot', name: '' };
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  return { kind: match[1] as Marker['kind'], name: match[2] ?? '' };
}
