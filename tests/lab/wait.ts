/** Waiting in tests: for a condition, never for a length of time that happens to be enough. */

/** Resolves after `ms` milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Asks again and again until the answer is truthy, and returns it.
 * @param what completes the sentence "waited for …" in the error
 * @param deadlineMs how long to ask
 * @param detail called for text to add to the error: a log, a status
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 10_000,
  detail: () => string = () => '',
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  let last: unknown;
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
    try {
      const answer = await condition();
      if (answer) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) break;
    await sleep(pause);
  }
  throw new Error(`waited ${deadlineMs} ms for ${what}${last ? `: ${last}` : ''}\n${detail()}`, { cause: last });
}
