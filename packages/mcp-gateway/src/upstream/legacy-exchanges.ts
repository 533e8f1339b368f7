import { isDeepStrictEqual } from 'node:util';
import { isJsonObject } from '@modelhost/kernel';
import type { Clock } from '@modelhost/kernel';
import type { Exchange, ExchangeContext, ExchangeOutcome } from '../relay.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import { createAttribution } from './attribution.ts';
import { untilAborted } from '../until-aborted.ts';
import { unknownState } from './exchanges.ts';
import type { Exchanges } from './exchanges.ts';
import { createLegacyCall } from './legacy-call.ts';
import type { LegacyCall } from './legacy-call.ts';
import { createLingering } from './lingering.ts';
import { createParking } from './parking.ts';
import type { Parked } from './parking.ts';
import { rootsResultOf } from './roots.ts';
import type { RpcNotification, RpcRequest } from './rpc-message.ts';
import type { Wire } from './wire.ts';

/** What exchanges with an upstream before 2026-07-28 are made of. */
export interface LegacyExchangesOptions {
  readonly spec: ToolServerSpec;
  readonly wire: Wire;
  readonly clock: Clock;
  /** Unguessable. */
  readonly newId: () => string;
  /** Makes the upstream send log messages of this level; undefined when it has none. */
  readonly setLogLevel: ((level: string) => Promise<void>) | undefined;
  /** A message on the stream of a call that does not concern it. */
  readonly onOther: (message: RpcRequest | RpcNotification) => void;
  /** An exchange is over. */
  readonly onOver: () => void;
}

interface ParkedCall extends Parked {
  readonly call: LegacyCall;
}

const parkedMax = 64;
const parkedTimeToLiveMs = 300_000;

/** Live requests of the upstream come out as `input-required`, so that a caller sees one protocol only. */
export function createLegacyExchanges(options: LegacyExchangesOptions): Exchanges {
  const { spec, wire, clock, newId, setLogLevel, onOther, onOver } = options;
  const { alias: server, progressTimeoutMs } = spec;
  const calls = new Set<LegacyCall>();
  const lingering = createLingering(() => clock.now(), parkedTimeToLiveMs);
  const parts = { wire, calls, lingering, rootsResult: rootsResultOf(spec) };
  const attribution = createAttribution(parts);
  const timeToLiveMs = parkedTimeToLiveMs;
  const parking = createParking<ParkedCall>({ clock, newId, parkedMax, timeToLiveMs });

  async function exchange(exchanged: Exchange, context: ExchangeContext): Promise<ExchangeOutcome> {
    const { requestState, inputResponses = {}, ...params } = exchanged.params;
    const { method } = exchanged;
    if (requestState !== undefined) {
      if (!isJsonObject(inputResponses)) return unknownState;
      const call = resume({ method, params }, requestState, context);
      return call === undefined ? unknownState : await call.join(context, inputResponses);
    }
    if (context.logLevel !== undefined && setLogLevel !== undefined) {
      await untilAborted(setLogLevel(context.logLevel), context.signal);
    }
    return await start({ method, params }, context);
  }

  function resume(
    { method, params }: Exchange,
    requestState: unknown,
    { principal }: ExchangeContext,
  ): LegacyCall | undefined {
    const call =
      typeof requestState === 'string' ? parking.take(requestState, principal)?.call : undefined;
    if (call === undefined) return undefined;
    const isSame =
      call.exchange.method === method && isDeepStrictEqual(call.exchange.params, params);
    // Whoever goes on with another request than was begun has lost the one that was begun.
    if (!isSame) call.expire();
    return isSame ? call : undefined;
  }

  function start(exchanged: Exchange, context: ExchangeContext): Promise<ExchangeOutcome> {
    const { principal, meta, onProgress } = context;
    const { method, params } = exchanged;
    const call = createLegacyCall({
      server,
      wire,
      clock,
      progressTimeoutMs,
      exchange: exchanged,
      principal,
      request: { method, params, meta, wantsProgress: onProgress !== undefined, headers: {} },
      park: (parked) => parking.park({ principal, call: parked, onExpired: () => parked.expire() }),
      onMessage: (message, own) => {
        if (!attribution.receive(message, own)) onOther(message);
      },
      onOver: (ended, isGivenUp) => {
        calls.delete(ended);
        if (isGivenUp) lingering.add(principal);
        onOver();
      },
    });
    calls.add(call);
    return call.join(context, {});
  }

  return {
    exchange,
    receive: (message) => attribution.receive(message, undefined),
    inFlight: () => calls.size,
    hasParked: (requestState) => parking.has(requestState),
    abandon: (requestState, principal) => parking.abandon(requestState, principal),
    close: () => parking.clear(),
  };
}
