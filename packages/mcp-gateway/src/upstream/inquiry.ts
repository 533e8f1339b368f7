import type { Clock } from '@modelhost/kernel';
import type { ExchangeContext, ExchangeOutcome } from '../relay.ts';
import { createLeg } from './leg.ts';
import { tellLog } from './log-levels.ts';
import type { RpcAnswer, RpcNotification } from './rpc-message.ts';
import type { OutgoingRequest, SentRequest, Wire } from './wire.ts';

/** Requests to an upstream, one after another, for somebody who waits for what comes of them all. */
export interface Inquiry {
  /** Never settles once nobody waits any more. */
  ask(request: OutgoingRequest): Promise<RpcAnswer>;
  /** Never settles once nobody waits any more. */
  pause(delayMs: number): Promise<void>;
}

/** What an inquiry is made of. */
export interface InquiryOptions {
  readonly server: string;
  readonly wire: Wire;
  readonly clock: Clock;
  readonly progressTimeoutMs: number;
  readonly context: ExchangeContext;
  /** Nobody waits any more; the request that was on its way has been cancelled. */
  readonly onGivenUp: (reason: string) => void;
}

/** Runs `work` with an inquiry, within the limits of its context. */
export function inquire(
  options: InquiryOptions,
  work: (inquiry: Inquiry) => Promise<ExchangeOutcome>,
): Promise<ExchangeOutcome> {
  const { wire, clock, context } = options;
  let sent: SentRequest | undefined;
  let stopPause: (() => void) | undefined;
  const leg = createLeg({
    ...options,
    onGivenUp: (reason) => {
      sent?.cancel(reason);
      stopPause?.();
      options.onGivenUp(reason);
    },
  });

  function ask(request: OutgoingRequest): Promise<RpcAnswer> {
    return new Promise((resolve, reject) => {
      sent = wire.send(request, {
        onAnswer: (answer) => {
          sent = undefined;
          leg.renew();
          resolve(answer);
        },
        onFailure: reject,
        onNotification: receive,
        // An upstream of this era asks by its results only.
        onRequest: () => {},
      });
    });
  }

  function receive(notification: RpcNotification): void {
    leg.renew();
    tellWaiting(notification, context);
  }

  function pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      stopPause = clock.setTimer(delayMs, resolve);
    });
  }

  work({ ask, pause }).then(leg.settle, leg.fail);
  return leg.outcome;
}

/** Tells whoever waits what belongs to the request for certain. Says whether it was progress or a log message. */
export function tellWaiting(
  { method, params }: RpcNotification,
  context: ExchangeContext,
): boolean {
  switch (method) {
    case 'notifications/progress': {
      const { progressToken: _, ...progress } = params;
      context.onProgress?.(progress);
      return true;
    }
    case 'notifications/message':
      tellLog(params, context);
      return true;
    default:
      return false;
  }
}
