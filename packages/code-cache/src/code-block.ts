import { Layout } from '@ringfence/memory';

/**
 * Byte offsets within a code-page block: what is predecoded of one physical page in one code mode.
 *
 *     +0      i32   code mode that the records are for; 0 once the block is retired
 *     +4      i32   physical page
 *     +8      i32   spare, for the block's user
 *     +12     i32   spare, for the block's user
 *     +16     4096 x i32   address of the record that starts at each offset of the page, 0 none
 */
export const BlockField = { mode: 0, page: 4, index: 16 } as const;

/** Bytes of a code-page block. */
export const blockBytes = 16400;

/** The most code-page blocks, retired ones that wait for `collect` included. */
export const maxBlocks = 4096;

/** Blocks of one page, each in a code mode of its own: a write to code looks at all of them. */
export const maxPageBlocks = 16;

/**
 * Byte offsets within a record, as far as the code cache knows them; the rest is the user's.
 *
 *     +0      u16   handler number; 0 = stale: look the address up again
 *     +2      u16   offset within the page of the instruction (or, in a continue record, of the
 *                   next)
 *     +4      u8    length of the instruction in bytes; those beyond the page's end do not count
 *     +7      u8    bytes, from the instruction's first, that make the record stale when written:
 *                   its own, to which its user may add those of instructions behind it
 */
export const RecordField = { handler: 0, offset: 2, length: 4, extent: 7 } as const;

/** Bytes of a record. */
export const recordBytes = 32;

/** Bytes of a chunk of records, the unit in which a block takes memory. */
export const chunkBytes = 8192;

/** Records of a chunk, not counting the last, which is kept free for a continue record. */
export const chunkRecords: number = chunkBytes / recordBytes - 1;

/** The longest instruction in bytes (SDM 2A 2.3.11). */
export const maxInstructionBytes = 15;

/** The most that a record's user may set `extent` to. */
export const maxExtentBytes = 64;

/** Linear-memory address of the first record chunk. */
export const chunksBase: number = Layout.codePool + maxBlocks * blockBytes;

/** The most record chunks. */
export const maxChunks: number = Math.floor(
  (Layout.codePool + Layout.codePoolBytes - chunksBase) / chunkBytes,
);
