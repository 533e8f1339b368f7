import { HostError } from '@modelhost/kernel';

/** Runs one piece of work after the other. */
export interface Turns {
  /** Throws `overloaded` when too many wait already. */
  take<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Resolves when everything that was taken before is done. */
  idle(): Promise<void>;
}

/** Nothing runs at first. `works` is what whoever is turned away is told that there are too many of. */
export function createTurns(works: string, waitingMax: number): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  async function take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (waiting >= waitingMax) {
      throw new HostError('overloaded', `${waiting} ${works} wait already; try again later`);
    }
    waiting += 1;
    const turn = last.then(work);
    last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      waiting -= 1;
    }
  }

  return {
    take,
    idle: async () => {
      await last;
    },
  };
}
