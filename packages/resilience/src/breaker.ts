/** Keeps callers away from a peer that fails, and lets one of them try now and then. */
export interface Breaker {
  state(): 'closed' | 'open' | 'half-open';
  /** The right to try once; undefined when it is refused. Whoever gets a pass settles it, in whatever way. */
  enter(): BreakerPass | undefined;
  /** Milliseconds until a try may be let through; 0 when that is now. */
  retryAfterMs(): number;
}

/** One try. Only the first of the three counts, and none that comes after the breaker has changed its state meanwhile. */
export interface BreakerPass {
  /** The peer answered: closes the breaker and forgets earlier failures. */
  succeed(): void;
  /** The peer failed: opens a breaker that was half-open, or counts towards opening it. */
  fail(): void;
  /** It says nothing about the peer, such as a cancelled try. */
  leave(): void;
}

/** The bounds of a breaker. */
export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failuresMax: number;
  /** How long it refuses everything once it is open. */
  readonly openMs: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** Starts closed. Open, it refuses; after `openMs` it is half-open and lets one try through at a time. */
export function createBreaker({ failuresMax, openMs, now }: BreakerOptions): Breaker {
  let failures = 0;
  let openedAtMs: number | undefined;
  let isTrying = false;
  // Counts the changes between open and closed: what was let in before the last one decides nothing.
  let epoch = 0;

  function state(): 'closed' | 'open' | 'half-open' {
    if (openedAtMs === undefined) return 'closed';
    return now() - openedAtMs < openMs ? 'open' : 'half-open';
  }

  function enter(): BreakerPass | undefined {
    switch (state()) {
      case 'closed':
        return createPass(false);
      case 'open':
        return undefined;
      case 'half-open':
        if (isTrying) return undefined;
        isTrying = true;
        return createPass(true);
    }
  }

  function createPass(isTrial: boolean): BreakerPass {
    const enteredIn = epoch;
    let isSettled = false;

    function settle(count: () => void): void {
      if (isSettled) return;
      isSettled = true;
      if (epoch !== enteredIn) return;
      if (isTrial) isTrying = false;
      count();
    }

    return {
      succeed: () => settle(() => close(isTrial)),
      fail: () => settle(() => countFailure(isTrial)),
      leave: () => settle(() => {}),
    };
  }

  function close(isTrial: boolean): void {
    failures = 0;
    if (!isTrial) return;
    openedAtMs = undefined;
    epoch += 1;
  }

  function countFailure(isTrial: boolean): void {
    failures += 1;
    if (!isTrial && failures < failuresMax) return;
    openedAtMs = now();
    epoch += 1;
  }

  function retryAfterMs(): number {
    return openedAtMs === undefined ? 0 : Math.max(0, openedAtMs + openMs - now());
  }

  return { state, enter, retryAfterMs };
}
