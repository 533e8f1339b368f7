/** How long it has been, in milliseconds. The clock of a machine may be set back, but nothing has taken less than no time. */
export function elapsedMs(fromMs: number, toMs: number): number {
  return Math.max(0, toMs - fromMs);
}
