import { untilAborted } from '../until-aborted.ts';

/** Runs the work of a key once for everybody who asks while it runs. */
export interface SingleFlight<T> {
  /** Aborting ends the waiting of this caller only. */
  run(key: string, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Nothing is kept of work that is over. */
export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Promise<T>>();

  async function run(key: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const flight = flights.get(key) ?? begin(key, work);
    return await untilAborted(flight, signal);
  }

  function begin(key: string, work: () => Promise<T>): Promise<T> {
    const flight = work().finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  }

  return { run };
}
