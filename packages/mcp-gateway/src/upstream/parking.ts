import type { Clock, Principal } from '@modelhost/kernel';

/** Something that waits for input, until the one it belongs to comes back with it. */
export interface Parked {
  readonly principal: Principal;
  /** Nobody came back in time or will come back, or the connection is over. */
  readonly onExpired: () => void;
}

/** Keeps what is parked under names that nobody can guess, bounded in number and time. */
export interface Parking<T extends Parked> {
  /** The name to come back with; undefined when there is no room. */
  park(parked: T): string | undefined;
  /** Takes it out, for the principal it belongs to and for nobody else. */
  take(name: string, principal: Principal): T | undefined;
  /** Lets it expire now, for the principal it belongs to and for nobody else. */
  abandon(name: string, principal: Principal): void;
  has(name: string): boolean;
  size(): number;
  /** Lets everything expire now. */
  clear(): void;
}

/** What a parking is made of. */
export interface ParkingOptions {
  readonly clock: Clock;
  /** Unguessable. */
  readonly newId: () => string;
  readonly parkedMax: number;
  readonly timeToLiveMs: number;
}

/** Empty at first. */
export function createParking<T extends Parked>(options: ParkingOptions): Parking<T> {
  const { clock, newId, parkedMax, timeToLiveMs } = options;
  const entries = new Map<string, { readonly parked: T; readonly stopTimer: () => void }>();

  function park(parked: T): string | undefined {
    if (entries.size >= parkedMax) return undefined;
    const name = newId();
    const stopTimer = clock.setTimer(timeToLiveMs, () => {
      entries.delete(name);
      parked.onExpired();
    });
    entries.set(name, { parked, stopTimer });
    return name;
  }

  function take(name: string, principal: Principal): T | undefined {
    const entry = entries.get(name);
    if (entry === undefined || !isSamePrincipal(entry.parked.principal, principal))
      return undefined;
    entries.delete(name);
    entry.stopTimer();
    return entry.parked;
  }

  function abandon(name: string, principal: Principal): void {
    take(name, principal)?.onExpired();
  }

  function clear(): void {
    for (const [name, { parked, stopTimer }] of entries) {
      entries.delete(name);
      stopTimer();
      parked.onExpired();
    }
  }

  const has = (name: string): boolean => entries.has(name);
  return { park, take, abandon, has, size: () => entries.size, clear };
}

/** Whether two principals are the same one. Roles do not make another. */
function isSamePrincipal(one: Principal, other: Principal): boolean {
  return one.tenant === other.tenant && one.subject === other.subject;
}

/** Whether all are the same principal; also when there is none. */
export function areSamePrincipal(principals: readonly Principal[]): boolean {
  const [first] = principals;
  return principals.every((principal) => first !== undefined && isSamePrincipal(principal, first));
}
