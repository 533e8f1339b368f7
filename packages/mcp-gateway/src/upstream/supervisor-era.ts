import type { Clock } from '@modelhost/kernel';
import type { Connection, ConnectionOptions } from './connection.ts';

/** Which protocol a server speaks, so that it need not be asked each time. */
export interface EraMemory {
  /** What to begin with; undefined when it is to be asked. */
  prior(): ConnectionOptions['prior'];
  learn(connection: Connection): void;
  /** What is known may be wrong: the server is asked the next time. */
  readonly forget: () => void;
}

const verdictAgeMsMax = 86_400_000;

/** A verdict is good for a day: servers are updated. */
export function createEraMemory(clock: Clock): EraMemory {
  let verdict: ConnectionOptions['prior'];
  let askedAtMs = 0;

  function prior(): ConnectionOptions['prior'] {
    if (clock.now() - askedAtMs >= verdictAgeMsMax) verdict = undefined;
    return verdict;
  }

  function learn(connection: Connection): void {
    if (verdict === undefined) askedAtMs = clock.now();
    verdict = connection.verdict;
  }

  return { prior, learn, forget: () => void (verdict = undefined) };
}
