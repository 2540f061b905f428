/** Regions that were made or dropped, for who follows translation. */
import type { InvalidationCause } from '@ringfence/code-cache';
import type { MadeRegion } from './region-record.ts';

/** Something that happened to a region. */
export type TranslationEvent =
  | {
      readonly kind: 'made';
      /** A number that no other region of the machine has. */
      readonly region: number;
      /** Guest-physical address of the first entry, and the linear address that was hot. */
      readonly address: number;
      readonly linear: number;
      /** Bits of the code. */
      readonly bits: 16 | 32;
      /** Basic blocks, instructions, and ways in from the interpreter. */
      readonly blocks: number;
      readonly instructions: number;
      readonly entries: number;
      readonly wasmBytes: number;
      readonly why: string;
    }
  | {
      readonly kind: 'dropped';
      readonly region: number;
      readonly address: number;
      readonly why: string;
    }
  | {
      /** Hot code that stays with the interpreter. */
      readonly kind: 'refused';
      readonly address: number;
      readonly linear: number;
      readonly why: string;
    };

/** The event of a region that was made. */
export function madeEvent({ region, plan, wasm }: MadeRegion): TranslationEvent {
  const { number, address, code, entries } = region;
  return {
    kind: 'made',
    region: number,
    address,
    linear: plan.linear,
    bits: 32,
    blocks: code.blocks.length / 2,
    instructions: code.offsets.length,
    entries: entries.size,
    wasmBytes: wasm.length,
    why: plan.why,
  };
}

/** Says in words why regions with code at a guest-physical address are dropped. */
export function dropReason(address: number, size: number, cause: InvalidationCause): string {
  if (cause === 'write') return `write of ${size} bytes at ${hex(address)}`;
  if (cause === 'device') return `write of ${size} bytes at ${hex(address)} by a device`;
  if (cause === 'remap') return 'other memory is mapped there';
  return `records ${cause}`;
}

/** Renders an event as one line. */
export function translationLine(event: TranslationEvent): string {
  const where = `physical ${hex(event.address)}`;
  switch (event.kind) {
    case 'made': {
      const { region, linear, bits, blocks, instructions, entries, wasmBytes, why } = event;
      const code = `${blocks} blocks, ${instructions} instructions, ${entries} entries`;
      const place = `${where} linear ${hex(linear)}`;
      return `made ${region}: ${place} ${bits}-bit: ${code}, ${wasmBytes} bytes: ${why}`;
    }
    case 'dropped':
      return `dropped ${event.region}: ${where}: ${event.why}`;
    case 'refused':
      return `refused: ${where} linear ${hex(event.linear)}: ${event.why}`;
  }
}

function hex(address: number): string {
  return (address >>> 0).toString(16).padStart(8, '0');
}
