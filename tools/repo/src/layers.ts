/**
 * The layer table: a package imports only from rows below its own. Tests and tools may import
 * anything, as devDependencies.
 */

/** Every package and application with its row; 1 is the lowest. */
export const layers: Readonly<Record<string, number>> = {
  '@ringfence/isa': 1,
  '@ringfence/wasm': 1,
  '@ringfence/memory': 1,
  '@ringfence/disk': 1,
  '@ringfence/network': 1,

  '@ringfence/decoder': 2,
  '@ringfence/assembler': 2,
  '@ringfence/shadow-paging': 2,
  '@ringfence/segmentation': 2,
  '@ringfence/code-cache': 2,

  '@ringfence/translator': 3,
  '@ringfence/devices': 3,
  '@ringfence/hypercall': 3,

  '@ringfence/cpu': 4,

  '@ringfence/machine': 5,

  '@ringfence/cli': 6,
  '@ringfence/web': 6,
};

/** Says what is wrong with `importer` depending on `imported`, or undefined if it may. */
export function layerFault(importer: string, imported: string): string | undefined {
  const above = layers[importer];
  const below = layers[imported];
  if (above === undefined) return `${importer} has no row in tools/repo/src/layers.ts`;
  if (below === undefined) return `${importer} imports ${imported}, which has no row in layers.ts`;
  if (below < above) return undefined;
  return `${importer} (row ${above}) imports ${imported} (row ${below}); only lower rows may be`;
}
