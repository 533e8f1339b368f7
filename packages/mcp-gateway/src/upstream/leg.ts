import type { Clock } from '@modelhost/kernel';
import type { ExchangeContext, ExchangeOutcome } from '../relay.ts';
import { timedOut, withFacts } from './failures.ts';

/** Somebody who waits for an exchange, until its outcome, its cancellation or its time limits, whichever is first. */
export interface Leg {
  readonly context: ExchangeContext;
  /** Rejects with the signal's reason when it is cancelled. */
  readonly outcome: Promise<ExchangeOutcome>;
  readonly settle: (outcome: ExchangeOutcome) => void;
  readonly fail: (error: unknown) => void;
  /** Something was heard of the exchange: the time of silence starts again, the total does not. */
  renew(): void;
}

/** What a leg is made of. */
export interface LegOptions {
  readonly context: ExchangeContext;
  readonly server: string;
  readonly clock: Clock;
  /** Longest silence. */
  readonly progressTimeoutMs: number;
  /** Nobody waits any more, and there was no outcome. */
  readonly onGivenUp: (reason: string) => void;
}

/** Its time starts now. */
export function createLeg(options: LegOptions): Leg {
  const { context, server, clock, progressTimeoutMs } = options;
  const { signal, timeoutMs } = context;
  const outcome = Promise.withResolvers<ExchangeOutcome>();
  const endsAt = clock.now() + timeoutMs;
  let heardAt = clock.now();
  let isOver = false;
  let stopTimer = (): void => {};
  signal.addEventListener('abort', onAbort, { once: true });
  arm();

  function arm(): void {
    const nextAt = Math.min(endsAt, heardAt + progressTimeoutMs);
    stopTimer = clock.setTimer(Math.max(1, nextAt - clock.now()), onTimer);
  }

  function onTimer(): void {
    const now = clock.now();
    if (now >= endsAt) giveUp(withFacts(timedOut(server, timeoutMs), { sent: 'true' }), 'timeout');
    else if (now >= heardAt + progressTimeoutMs) {
      giveUp(withFacts(timedOut(server, progressTimeoutMs), { sent: 'true' }), 'timeout');
    } else arm();
  }

  function onAbort(): void {
    giveUp(signal.reason, 'cancelled');
  }

  function giveUp(error: unknown, reason: string): void {
    if (isOver) return;
    end();
    outcome.reject(error);
    options.onGivenUp(reason);
  }

  function end(): void {
    isOver = true;
    stopTimer();
    signal.removeEventListener('abort', onAbort);
  }

  function settle(value: ExchangeOutcome): void {
    if (isOver) return;
    end();
    outcome.resolve(value);
  }

  function fail(error: unknown): void {
    if (isOver) return;
    end();
    outcome.reject(error);
  }

  function renew(): void {
    heardAt = clock.now();
  }

  return { context, outcome: outcome.promise, settle, fail, renew };
}
