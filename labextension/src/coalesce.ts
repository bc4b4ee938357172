/**
 * Ten events in a burst must not be ten requests: one runs, and at most one more after it.
 */

/** Wraps `work` so that calls made while it runs share one further run. */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const start = (): Promise<void> => {
    running = work().finally(() => {
      running = null;
    });
    return running;
  };
  return () => {
    if (running === null) {
      return start();
    }
    if (next === null) {
      const after = (): Promise<void> => {
        next = null;
        return start();
      };
      next = running.then(after, after);
    }
    return next;
  };
}
