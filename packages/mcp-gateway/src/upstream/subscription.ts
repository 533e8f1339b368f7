import type { Client, McpSubscription, SubscriptionFilter } from '@modelcontextprotocol/client';
import type { Clock } from '@modelhost/kernel';

/** Keeps one `subscriptions/listen` stream open. */
export interface Subscription {
  /** Listens for this from now on; resolves when the server has acknowledged it, or cannot. */
  listenTo(filter: SubscriptionFilter): Promise<void>;
  close(): void;
}

/** What a subscription is made of. */
export interface SubscriptionOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** For the acknowledgement. */
  readonly timeoutMs: number;
  readonly log: (message: string) => void;
  /** It listens again after a gap, whatever it was opened again for. */
  readonly onReopened: () => void;
}

const backoffMsMin = 1_000;
const backoffMsMax = 60_000;
const attemptsMax = 12;

/** Listens to nothing at first. A stream that ends is opened again, ever later, until it ended 12 times in a row. */
export function createSubscription(options: SubscriptionOptions): Subscription {
  const { client, clock, random, timeoutMs: timeout, log, onReopened } = options;
  let filter: SubscriptionFilter = {};
  let open: McpSubscription | undefined;
  let attempts = 0;
  let isClosed = false;
  /** It was not listened to all that is wanted, and anything may have happened meanwhile. */
  let isBehind = false;
  let stopTimer = (): void => {};

  async function listenTo(next: SubscriptionFilter): Promise<void> {
    filter = next;
    stopTimer();
    attempts = 0;
    await listen();
  }

  async function listen(): Promise<void> {
    const wanted = filter;
    try {
      const isEmpty = Object.keys(wanted).length === 0;
      const opened = isEmpty ? undefined : await client.listen(wanted, { timeout });
      if (isClosed || wanted !== filter) await opened?.close();
      else replaceBy(opened);
    } catch (cause) {
      log(`it does not report changes: ${String(cause)}`);
      if (wanted === filter) retry();
    }
  }

  /** The one before it is closed last, so that nothing is missed between the two. */
  function replaceBy(opened: McpSubscription | undefined): void {
    const before = open;
    open = opened;
    stopTimer();
    const openedAt = clock.now();
    void opened?.closed.then((cause) => {
      if (open !== opened || cause === 'local') return;
      open = undefined;
      if (clock.now() - openedAt > backoffMsMax) attempts = 0;
      retry();
    });
    before?.close().catch(() => {});
    if (opened === undefined || !isBehind) return;
    isBehind = false;
    onReopened();
  }

  function retry(): void {
    isBehind = true;
    stopTimer();
    if (isClosed || attempts >= attemptsMax) return;
    const delayMs = Math.min(backoffMsMin * 2 ** attempts, backoffMsMax);
    attempts += 1;
    stopTimer = clock.setTimer(delayMs * (0.5 + random() / 2), () => void listen());
  }

  function close(): void {
    isClosed = true;
    stopTimer();
    open?.close().catch(() => {});
  }

  return { listenTo, close };
}
