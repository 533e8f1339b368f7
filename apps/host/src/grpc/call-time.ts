/** How long whoever called waits for an answer: the host's own bound, or what is left until its deadline when that is sooner. */
export function callTimeMs(deadline: Date | number, requestTimeoutMs: number): number {
  // Without a deadline it is Infinity.
  return Math.min(requestTimeoutMs, Math.max(0, Number(deadline) - Date.now()));
}
