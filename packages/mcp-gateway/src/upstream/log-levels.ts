import type { JsonObject } from '@modelhost/kernel';
import { logLevels } from '../log-level.ts';
import type { ExchangeContext } from '../relay.ts';

/** Gives a log message to one who may have asked for its level and above. Says whether it was wanted. */
export function tellLog(params: JsonObject, context: ExchangeContext): boolean {
  const { logLevel, onLog } = context;
  if (logLevel === undefined || onLog === undefined) return false;
  const rank = logLevels.indexOf(params['level']);
  const lowestRank = logLevels.indexOf(logLevel);
  const wanted = rank >= 0 && lowestRank >= 0 && rank >= lowestRank;
  if (wanted) onLog(params);
  return wanted;
}

/**
 * Sets the level that a server before 2026-07-28 logs at, for all at once: the lowest that anybody ever wanted. A server
 * that refuses goes on as it likes.
 */
export function createLogLevelSetter(
  setLevel: (level: string) => Promise<unknown>,
): (level: string) => Promise<void> {
  let lowestRank = logLevels.length;
  let setting = Promise.resolve();

  return (level) => {
    const rank = logLevels.indexOf(level);
    if (rank < 0 || rank >= lowestRank) return setting;
    lowestRank = rank;
    setting = setting.then(async () => {
      await setLevel(level).catch(() => {});
    });
    return setting;
  };
}
