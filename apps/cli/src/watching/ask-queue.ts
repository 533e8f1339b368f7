import type { Ask } from '../context.ts';

/** Lets one piece of work at a time talk to the person; the others wait for their turn. */
export type AskQueue = <Answer>(work: (ask: Ask) => Promise<Answer>) => Promise<Answer>;

/** Questions of several kinds come while a run goes on, and there is one terminal. */
export function createAskQueue(ask: Ask): AskQueue {
  let last: Promise<unknown> = Promise.resolve();
  return async (work) => {
    const done = last.then(async () => work(ask));
    // Whoever waits behind it does not care how it ended.
    last = done.catch(() => {});
    return done;
  };
}
