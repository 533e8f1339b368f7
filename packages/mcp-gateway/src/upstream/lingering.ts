import type { Principal } from '@modelhost/kernel';

/** Remembers for a while whose requests were given up: a server that does not heed it may still work on them. */
export interface Lingering {
  add(principal: Principal): void;
  principals(): readonly Principal[];
}

/** Two are enough for nothing to be told for certain, so that a bound this high loses nothing. */
const principalsMax = 1_024;

/** Each is remembered for `keepMs` after its last request that was given up. */
export function createLingering(now: () => number, keepMs: number): Lingering {
  const entries = new Map<string, { readonly principal: Principal; readonly until: number }>();

  function add(principal: Principal): void {
    forget();
    const key = JSON.stringify([principal.tenant, principal.subject]);
    const hasRoom = entries.size < principalsMax || entries.has(key);
    if (hasRoom) entries.set(key, { principal, until: now() + keepMs });
  }

  function forget(): void {
    for (const [key, { until }] of entries) if (until <= now()) entries.delete(key);
  }

  function principals(): readonly Principal[] {
    forget();
    return [...entries.values()].map(({ principal }) => principal);
  }

  return { add, principals };
}
