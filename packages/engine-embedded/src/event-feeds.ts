import type { HostError } from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';
import { createEventFeed } from './event-feed.ts';
import type { EventFeed } from './event-feed.ts';

/** The feeds of the runs that are in memory, or followed. */
export interface EventFeeds {
  /** The feed of a run; a new one begins after `lastSequence`. */
  open(
    runId: string,
    durable: { readonly lastSequence: number; readonly isEnded: boolean },
  ): EventFeed;
  find(runId: string): EventFeed | undefined;
  /** Nobody shows anything there any more, for now: the feed stays as long as somebody follows. */
  release(runId: string): void;
  /** Nothing more comes in any of them: whoever would wait gets this error, those who still come included. */
  failAll(error: HostError): void;
}

/** Starts with none. Their number is bounded by the runs in memory and the followers. */
export function createEventFeeds(
  bounds: Pick<EngineBounds, 'eventsMax' | 'followersMax'>,
): EventFeeds {
  const feeds = new Map<string, EventFeed>();
  let failure: HostError | undefined;
  return {
    open: (runId, durable) => {
      const known = feeds.get(runId);
      if (known !== undefined) {
        known.advance(durable.lastSequence);
        return known;
      }
      const feed = createEventFeed({ ...durable, bounds });
      if (failure !== undefined) feed.fail(failure);
      feeds.set(runId, feed);
      return feed;
    },
    find: (runId) => feeds.get(runId),
    release: (runId) => {
      if (feeds.get(runId)?.hasFollowers() === false) feeds.delete(runId);
    },
    failAll: (error) => {
      failure = error;
      for (const feed of feeds.values()) feed.fail(error);
    },
  };
}
