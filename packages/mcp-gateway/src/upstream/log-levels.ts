/** From the least to the most severe. */
const levels: readonly unknown[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];

/** Whether a message of `level` is wanted by one who asked for `lowest` and above; what is no level is never. */
export function isWanted(level: unknown, lowest: string | undefined): boolean {
  if (lowest === undefined) return false;
  const rank = levels.indexOf(level);
  const lowestRank = levels.indexOf(lowest);
  return rank >= 0 && lowestRank >= 0 && rank >= lowestRank;
}

/**
 * Sets the level that a server before 2026-07-28 logs at, for all at once: the lowest that anybody ever wanted. A server
 * that refuses goes on as it likes.
 */
export function createLogLevelSetter(
  setLevel: (level: string) => Promise<unknown>,
): (level: string) => Promise<void> {
  let lowestRank = levels.length;
  let setting = Promise.resolve();

  return (level) => {
    const rank = levels.indexOf(level);
    if (rank < 0 || rank >= lowestRank) return setting;
    lowestRank = rank;
    setting = setting.then(async () => {
      await setLevel(level).catch(() => {});
    });
    return setting;
  };
}
