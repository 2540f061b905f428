/** Machine frames that a paravirtual guest may give back and get. */
export interface FramePool {
  /** Frames of the table of machine frames: the first, and the one behind the last. */
  readonly machineFrames: readonly [number, number];
  /** Number of frames that were given back. */
  readonly free: number;
  /** Takes a frame back; false for one that is in use or not the guest's. */
  release(frame: number): boolean;
  /** Takes a frame back that nothing uses; false, and it stays, for any other. */
  steal(frame: number): boolean;
  /**
   * Gives a run of `2 ** order` frames, which the guest counts from its own frame `guest` on;
   * returns the first, nothing when there is no such run left.
   */
  allocate(guest: number | undefined, order: number): number | undefined;
  /**
   * Takes frames and gives as many in runs of `2 ** order` instead, each counted from one of the
   * guest's own numbers on; returns where they begin, or a negative error when nothing was done.
   */
  exchange(
    frames: readonly number[],
    numbers: readonly number[],
    order: number,
  ): readonly number[] | number;
}
