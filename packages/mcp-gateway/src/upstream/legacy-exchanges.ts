import { isDeepStrictEqual } from 'node:util';
import { isJsonObject } from '@modelhost/kernel';
import type { Clock, JsonObject } from '@modelhost/kernel';
import type { Exchange, ExchangeContext, ExchangeOutcome, InputRequest } from '../relay.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import { untilAborted } from '../until-aborted.ts';
import { unknownState } from './exchanges.ts';
import type { Exchanges } from './exchanges.ts';
import { createLegacyCall } from './legacy-call.ts';
import type { LegacyCall } from './legacy-call.ts';
import { findMissing, isInputMethod, liveErrors } from './live-request.ts';
import { areSamePrincipal, createParking } from './parking.ts';
import type { Parked } from './parking.ts';
import { rootsResultOf } from './roots.ts';
import { isRpcId } from './rpc-message.ts';
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
  const rootsResult = rootsResultOf(spec);
  const calls = new Set<LegacyCall>();
  const timeToLiveMs = parkedTimeToLiveMs;
  const parking = createParking<ParkedCall>({ clock, newId, parkedMax, timeToLiveMs });

  async function exchange(exchanged: Exchange, context: ExchangeContext): Promise<ExchangeOutcome> {
    const { requestState, inputResponses = {}, ...params } = exchanged.params;
    if (requestState !== undefined) {
      const call = resume({ method: exchanged.method, params }, requestState, context);
      if (call === undefined || !isJsonObject(inputResponses)) return unknownState;
      return await call.join(context, inputResponses);
    }
    if (context.logLevel !== undefined && setLogLevel !== undefined) {
      await untilAborted(setLogLevel(context.logLevel), context.signal);
    }
    return await start({ method: exchanged.method, params }, context);
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
      park: (parked) => parking.park({ principal, call: parked, onExpired: parked.expire }),
      onMessage: (message, own) => {
        if (!receive(message, own)) onOther(message);
      },
      onOver: (ended) => {
        calls.delete(ended);
        onOver();
      },
    });
    calls.add(call);
    return call.join(context, {});
  }

  /** Says whether the message was dealt with. `own` is the call on whose stream it came, if it is known. */
  function receive(message: RpcRequest | RpcNotification, own: LegacyCall | undefined): boolean {
    const { method, params } = message;
    if (message.type === 'request') return receiveRequest(message, own);
    switch (method) {
      case 'notifications/message':
        log(params, own);
        return true;
      case 'notifications/cancelled':
        return takeBack(params['requestId']);
      default:
        return false;
    }
  }

  function receiveRequest(
    { id, method, params }: RpcRequest,
    own: LegacyCall | undefined,
  ): boolean {
    if (!isInputMethod(method)) return false;
    if (method === 'roots/list' && rootsResult !== undefined) {
      wire.answer(id, { kind: 'result', result: rootsResult });
      return true;
    }
    const request = { method, params };
    const call = own ?? theOnlyOne(request);
    const error =
      call === undefined ? liveErrors.ambiguous : findMissing(request, call.capabilities());
    if (call !== undefined && error === undefined) call.ask(id, request);
    else wire.answer(id, { kind: 'error', error: error ?? liveErrors.ambiguous });
    return true;
  }

  /**
   * Whom a request is for that came on no call's own stream. It goes to nobody while calls of different principals are
   * in flight: the answer of one would end up in the call of another.
   */
  function theOnlyOne(request: InputRequest): LegacyCall | undefined {
    if (!areSamePrincipal([...calls].map(({ principal }) => principal))) return undefined;
    const able = [...calls].filter(
      (call) => findMissing(request, call.capabilities()) === undefined,
    );
    if (able.length > 1) return undefined;
    return able[0] ?? [...calls][0];
  }

  function log(params: JsonObject, own: LegacyCall | undefined): void {
    if (own !== undefined) own.log(params);
    else if (areSamePrincipal([...calls].map(({ principal }) => principal)))
      [...calls].some((call) => call.log(params));
  }

  function takeBack(id: unknown): boolean {
    return isRpcId(id) && [...calls].some((call) => call.takeBack(id));
  }

  return {
    exchange,
    receive: (message) => receive(message, undefined),
    inFlight: () => calls.size,
    hasParked: parking.has,
    close: parking.clear,
  };
}
