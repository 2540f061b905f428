/**
 * The memory of code-page blocks and record chunks.
 *
 * A block owns a list of chunks and fills the last one. Blocks that are let go wait in limbo, with
 * their chunks, until `collect`: generated code may still stand in one of their records.
 *
 * Hot: `allocate`, once per decoded instruction. Measured in code-cache.bench.ts.
 */
import { Layout } from '@ringfence/memory';
import {
  blockBytes,
  chunkBytes,
  chunkRecords,
  chunksBase,
  RecordField,
  recordBytes,
} from './code-block.ts';

/** Blocks and chunks by number. */
export class BlockPool {
  /** How many blocks there can be. */
  readonly blocks: number;
  /** How many chunks there can be. */
  readonly chunks: number;
  /** Blocks that are neither in use nor in limbo. */
  freeBlocks: number;
  /** Chunks that are neither in use nor in limbo. */
  freeChunks: number;
  /** Blocks in limbo. */
  limboBlocks = 0;
  /** Chunks in limbo. */
  limboChunks = 0;
  private readonly i32: Int32Array;
  private readonly view: DataView;
  private readonly blockStack: Int32Array;
  private readonly chunkStack: Int32Array;
  private readonly limbo: Int32Array;
  private readonly firstChunk: Int32Array;
  private readonly lastChunk: Int32Array;
  private readonly nextChunk: Int32Array;
  private readonly filled: Int32Array;
  private readonly chunkCount: Int32Array;

  constructor(i32: Int32Array, view: DataView, blocks: number, chunks: number) {
    this.i32 = i32;
    this.view = view;
    this.blocks = blocks;
    this.chunks = chunks;
    this.freeBlocks = blocks;
    this.freeChunks = chunks;
    this.blockStack = Int32Array.from({ length: blocks }, (_, index) => blocks - 1 - index);
    this.chunkStack = Int32Array.from({ length: chunks }, (_, index) => chunks - 1 - index);
    this.limbo = new Int32Array(blocks);
    this.firstChunk = new Int32Array(blocks).fill(-1);
    this.lastChunk = new Int32Array(blocks).fill(-1);
    this.nextChunk = new Int32Array(chunks).fill(-1);
    this.filled = new Int32Array(blocks);
    this.chunkCount = new Int32Array(blocks);
  }

  /** Linear-memory address of a block. */
  address(block: number): number {
    return Layout.codePool + block * blockBytes;
  }

  /** Number of the block at an address. */
  at(address: number): number {
    return ((address - Layout.codePool) / blockBytes) | 0;
  }

  /** Takes a free block, zeroed, or returns -1. */
  take(): number {
    if (this.freeBlocks === 0) return -1;
    this.freeBlocks -= 1;
    const block = this.blockStack[this.freeBlocks] ?? -1;
    const word = this.address(block) >>> 2;
    this.i32.fill(0, word, word + blockBytes / 4);
    this.firstChunk[block] = -1;
    this.lastChunk[block] = -1;
    this.filled[block] = chunkRecords;
    this.chunkCount[block] = 0;
    return block;
  }

  /**
   * Returns the next record of a block, zeroed but for `offset`, or 0 if no chunk is free.
   *
   * If it does not follow the one before, the place after the one before is free for a continue
   * record.
   */
  allocate(block: number, offset: number): number {
    if ((this.filled[block] ?? 0) >= chunkRecords && !this.addChunk(block)) return 0;
    const position = this.filled[block] ?? 0;
    this.filled[block] = position + 1;
    const record = chunkAddress(this.lastChunk[block] ?? 0) + position * recordBytes;
    const word = record >>> 2;
    this.i32.fill(0, word, word + recordBytes / 4);
    this.view.setUint16(record + RecordField.offset, offset, true);
    return record;
  }

  /** Makes every record of a block stale, continue records too, and puts the block into limbo. */
  retire(block: number): void {
    for (let chunk = this.firstChunk[block] ?? -1; chunk >= 0;) {
      const start = chunkAddress(chunk);
      for (let at = start; at < start + chunkBytes; at += recordBytes) {
        this.view.setUint16(at + RecordField.handler, 0, true);
      }
      chunk = this.nextChunk[chunk] ?? -1;
    }
    const word = this.address(block) >>> 2;
    this.i32.fill(0, word, word + blockBytes / 4);
    this.limbo[this.limboBlocks] = block;
    this.limboBlocks += 1;
    this.limboChunks += this.chunkCount[block] ?? 0;
  }

  /** Frees what is in limbo. */
  collect(): void {
    for (let index = 0; index < this.limboBlocks; index += 1) {
      const block = this.limbo[index] ?? 0;
      for (let chunk = this.firstChunk[block] ?? -1; chunk >= 0;) {
        this.chunkStack[this.freeChunks] = chunk;
        this.freeChunks += 1;
        chunk = this.nextChunk[chunk] ?? -1;
      }
      this.firstChunk[block] = -1;
      this.blockStack[this.freeBlocks] = block;
      this.freeBlocks += 1;
    }
    this.limboBlocks = 0;
    this.limboChunks = 0;
  }

  /** Whether a part of both pools is free or will be after `collect`. */
  hasRoom(fraction: number): boolean {
    const { blocks, chunks, freeBlocks, freeChunks, limboBlocks, limboChunks } = this;
    return (
      freeBlocks + limboBlocks >= blocks * fraction && freeChunks + limboChunks >= chunks * fraction
    );
  }

  private addChunk(block: number): boolean {
    if (this.freeChunks === 0) return false;
    this.freeChunks -= 1;
    const chunk = this.chunkStack[this.freeChunks] ?? 0;
    const last = this.lastChunk[block] ?? -1;
    if (last < 0) this.firstChunk[block] = chunk;
    else this.nextChunk[last] = chunk;
    this.nextChunk[chunk] = -1;
    this.lastChunk[block] = chunk;
    this.filled[block] = 0;
    this.chunkCount[block] = (this.chunkCount[block] ?? 0) + 1;
    return true;
  }
}

function chunkAddress(chunk: number): number {
  return chunksBase + chunk * chunkBytes;
}
