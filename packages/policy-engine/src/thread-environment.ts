import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';

/**
 * The variables of a thread that runs a text of somebody else's: none of the host's own, in case it breaks out. Where this
 * process keeps what it compiled, the thread does not compile the same again; that is most of what it takes to start one.
 */
export function createThreadEnvironment(): Record<string, string> {
  const directory = getCompileCacheDir();
  // The directory of this version of Node stands in the one that was asked for.
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(directory) };
}
