/**
 * Operations that may have to wait, written once for places that answer at once and places that do
 * not.
 *
 * An operation is a generator that yields each promise that it must wait for. Over a file or memory
 * nothing is ever yielded, and it runs to its end within one call: a machine whose time is counted
 * in instructions stays deterministic. Over HTTP the same code waits.
 */

/** An operation with a result: run by `runNow`, by `runToEnd`, or by a `Disk`'s queue. */
export type Steps<T> = Generator<Promise<unknown>, T, unknown>;

/** What an operation came to, or what it waits for. */
export type Progress<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'waits'; readonly on: Promise<unknown> };

/** Runs an operation until it ends or waits; `failure` is thrown into it where it waits. */
export function advance<T>(steps: Steps<T>, failure?: { readonly error: unknown }): Progress<T> {
  try {
    const next = failure === undefined ? steps.next() : steps.throw(failure.error);
    return next.done === true
      ? { kind: 'done', value: next.value }
      : { kind: 'waits', on: next.value };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

/**
 * Runs an operation that is known not to wait and returns its result.
 *
 * @throws what the operation throws, and an Error when it waits after all.
 */
export function runNow<T>(steps: Steps<T>): T {
  const progress = advance(steps);
  if (progress.kind === 'failed') throw progress.error;
  if (progress.kind === 'waits') throw new Error('an operation waits where nothing can');
  return progress.value;
}

/** Runs an operation to its end, waiting as it asks. */
export async function runToEnd<T>(steps: Steps<T>): Promise<T> {
  let progress = advance(steps);
  while (progress.kind === 'waits') {
    let failure: { error: unknown } | undefined;
    try {
      await progress.on;
    } catch (error) {
      failure = { error };
    }
    progress = advance(steps, failure);
  }
  if (progress.kind === 'failed') throw progress.error;
  return progress.value;
}
