import type { JsonObject } from '@modelhost/kernel';
import type { InputRequest } from '../relay.ts';
import type { LegacyCall } from './legacy-call.ts';
import type { Lingering } from './lingering.ts';
import { findMissing, isInputMethod, liveErrors } from './live-request.ts';
import { areSamePrincipal } from './parking.ts';
import { isRpcId } from './rpc-message.ts';
import type { RpcNotification, RpcRequest } from './rpc-message.ts';
import type { Wire } from './wire.ts';

/** Finds out which call a message of an upstream before 2026-07-28 belongs to. */
export interface Attribution {
  /** `own` is the call on whose stream the message came, if that is known. Says whether it was dealt with. */
  receive(message: RpcRequest | RpcNotification, own: LegacyCall | undefined): boolean;
}

/** What an attribution is made of. */
export interface AttributionOptions {
  readonly wire: Wire;
  /** All that are in flight or parked. */
  readonly calls: ReadonlySet<LegacyCall>;
  /** Whose calls were given up lately. */
  readonly lingering: Lingering;
  /** Answers `roots/list` in the place of the caller. */
  readonly rootsResult: JsonObject | undefined;
}

/**
 * What came on no call's own stream goes to nobody while calls of different principals are in flight, or were given up
 * lately: the answer of one would end up in the call of another.
 */
export function createAttribution({
  wire,
  calls,
  lingering,
  rootsResult,
}: AttributionOptions): Attribution {
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
    const missing = call === undefined ? undefined : findMissing(request, call.capabilities());
    if (call !== undefined && missing === undefined) call.ask(id, request);
    else wire.answer(id, { kind: 'error', error: missing ?? liveErrors.ambiguous });
    return true;
  }

  /** A call that is parked waits for us, so it is asked for last; among parked ones the newest is the likeliest. */
  function theOnlyOne(request: InputRequest): LegacyCall | undefined {
    if (!areOfOnePrincipal()) return undefined;
    const waiting = [...calls].filter((call) => call.isWaiting());
    const likely = waiting.length > 0 ? waiting : [...calls].slice(-1);
    const able = likely.filter((call) => findMissing(request, call.capabilities()) === undefined);
    return able.length > 1 ? undefined : (able[0] ?? likely[0]);
  }

  function areOfOnePrincipal(): boolean {
    const principals = [...calls].map(({ principal }) => principal);
    return areSamePrincipal([...principals, ...lingering.principals()]);
  }

  function log(params: JsonObject, own: LegacyCall | undefined): void {
    if (own !== undefined) own.log(params);
    else if (areOfOnePrincipal()) [...calls].some((call) => call.log(params));
  }

  function takeBack(id: unknown): boolean {
    return isRpcId(id) && [...calls].some((call) => call.takeBack(id));
  }

  return { receive };
}
