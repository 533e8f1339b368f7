import type { JsonObject } from '@modelhost/kernel';
import { showText } from '@modelhost/shown-text';
import type { ExchangeContext, ExchangeOutcome, McpRelay, RpcError } from '../relay.ts';
import { lackingFor } from './client-capabilities.ts';
import type { FacadeBounds, FacadeCaller, FacadeIo, FacadeOutcome } from './core-types.ts';
import type { RelayedRequest } from './relayed-requests.ts';
import { missingCapability, relayedError, toRpcError, toToolFailure } from './rpc-errors.ts';
import type { SealedStates, StateOrigin } from './sealed-state.ts';
import { showRequests } from './shown-requests.ts';
import { showJsonOrNothing, showResultTexts, withTexts } from './shown-texts.ts';
import type { ViewIndex } from './view-index.ts';

/** One request of a client that goes to an upstream. */
export interface RelayedCall {
  readonly request: RelayedRequest;
  /** As the client sent them. */
  readonly params: JsonObject;
  readonly index: ViewIndex;
  readonly caller: FacadeCaller;
  readonly io: FacadeIo;
}

/** An upstream that asks for input. */
export type InputRequired = Extract<ExchangeOutcome, { readonly kind: 'input-required' }>;

/** What becomes of what an upstream asks: it is shown, or the call ends instead. */
export type Question =
  | { readonly kind: 'shown'; readonly inputRequests: InputRequired['inputRequests'] }
  | { readonly kind: 'refused'; readonly instead: FacadeOutcome };

/** What the façade makes of outcomes of an upstream. Tasks use it too, later and without a client that waits. */
export interface CallOutcomes {
  exchange(
    call: RelayedCall,
    members: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<ExchangeOutcome>;
  /** In the view's names; never throws. */
  show(call: RelayedCall, outcome: ExchangeOutcome): FacadeOutcome;
  fail(call: RelayedCall, thrown: unknown): FacadeOutcome;
  /** What the client is asked; where it cannot be, the upstream is told that nobody answers. Never throws. */
  question(call: RelayedCall, outcome: InputRequired): Question;
  /** Nobody will answer what the upstream asked under this state of its own. */
  abandon(call: RelayedCall, requestState: string | undefined): void;
}

/** What calls are made with. */
export interface CallOutcomesOptions {
  readonly relay: McpRelay;
  readonly states: SealedStates;
  readonly bounds: FacadeBounds;
}

/** Passes requests on, and turns what comes of them into what the client may see. */
export function createCallOutcomes({ relay, states, bounds }: CallOutcomesOptions): CallOutcomes {
  function exchange(
    call: RelayedCall,
    members: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<ExchangeOutcome> {
    const { target, exchange: own } = call.request;
    const { method, params } = own;
    return relay.exchange(
      target,
      members === undefined ? own : { method, params: { ...params, ...members } },
      contextOf(call, signal, bounds.callTimeoutMs),
    );
  }

  function show(call: RelayedCall, outcome: ExchangeOutcome): FacadeOutcome {
    switch (outcome.kind) {
      case 'complete':
        return { kind: 'result', result: showComplete(call, outcome.result) };
      case 'error':
        return { kind: 'error', error: showError(call, outcome.error) };
      case 'input-required':
        return ask(call, outcome);
    }
  }

  function question(call: RelayedCall, { inputRequests, requestState }: InputRequired): Question {
    const { target, shown } = call.request;
    const lacking = lackingFor(inputRequests, call.caller.capabilities);
    let instead: FacadeOutcome;
    try {
      if (lacking === undefined) {
        return {
          kind: 'shown',
          inputRequests: showRequests(shown?.catalogueName ?? target.alias, inputRequests),
        };
      }
      instead = { kind: 'error', error: missingCapability(lacking) };
    } catch (thrown) {
      instead = fail(call, thrown);
    }
    abandon(call, requestState);
    return { kind: 'refused', instead };
  }

  function ask(call: RelayedCall, outcome: InputRequired): FacadeOutcome {
    const asked = question(call, outcome);
    if (asked.kind === 'refused') return asked.instead;
    const { inputRequests } = asked;
    const { requestState: own } = outcome;
    try {
      const requestState = own === undefined ? undefined : states.seal(own, originOf(call));
      return { kind: 'input-required', inputRequests, requestState };
    } catch (thrown) {
      abandon(call, own);
      return fail(call, thrown);
    }
  }

  function fail(call: RelayedCall, thrown: unknown): FacadeOutcome {
    const isTool = call.request.exchange.method === 'tools/call';
    const failure = isTool ? toToolFailure(thrown) : undefined;
    if (failure !== undefined) return { kind: 'result', result: failure };
    return { kind: 'error', error: toRpcError(thrown) };
  }

  function abandon({ request, caller }: RelayedCall, requestState: string | undefined): void {
    if (requestState === undefined) return;
    relay.abandon(caller.principal, request.target.alias, requestState);
  }

  return { exchange, show, fail, question, abandon };
}

/** Where an answer has to come from to go on with what this call asked. */
export function originOf({ request, params, caller }: RelayedCall): StateOrigin {
  const { target, exchange } = request;
  return { principal: caller.principal, alias: target.alias, method: exchange.method, params };
}

function contextOf(
  { caller, io }: RelayedCall,
  signal: AbortSignal,
  timeoutMs: number,
): ExchangeContext {
  const { principal, capabilities } = caller;
  const { meta, logLevel, onProgress, onLog } = io;
  return {
    principal,
    signal,
    timeoutMs,
    capabilities,
    meta,
    ...(logLevel === undefined ? {} : { logLevel }),
    ...(onProgress === undefined
      ? {}
      : { onProgress: (params) => onProgress(withTexts(params, ['message'])) }),
    ...(onLog === undefined ? {} : { onLog: showLog(onLog) }),
  };
}

/** A message that cannot be shown is not worth an error. */
function showLog(onLog: (params: JsonObject) => void): (params: JsonObject) => void {
  return (params) => {
    const shown = showJsonOrNothing(params);
    if (shown !== undefined) onLog(shown);
  };
}

function showComplete(call: RelayedCall, result: JsonObject): JsonObject {
  const { target, exchange } = call.request;
  const own = withoutType(result);
  const texts = showResultTexts(exchange.method, own);
  const shown = call.index.uris.showResult(target.alias, exchange.method, texts);
  if (exchange.method !== 'resources/read' || call.caller.era === 'legacy') return shown;
  // What a server lets everybody cache may still depend on the credential that the gateway used.
  return { ...shown, ttlMs: readTtl(shown['ttlMs']), cacheScope: 'private' };
}

/** What a result is says the façade: a server before 2026-07-28 could make one look like a task of ours. */
function withoutType(result: JsonObject): JsonObject {
  if (!('resultType' in result)) return result;
  const { resultType: _, ...rest } = result;
  return rest;
}

function readTtl(ttlMs: unknown): number {
  return typeof ttlMs === 'number' && Number.isInteger(ttlMs) && ttlMs >= 0 ? ttlMs : 0;
}

function showError(call: RelayedCall, error: RpcError): RpcError {
  const { code, message, data } = call.caller.era === 'modern' ? relayedError(error) : error;
  const shown = { code, message: showText(message) };
  const details = data && showJsonOrNothing(data);
  if (details === undefined) return shown;
  const { uri } = details;
  if (typeof uri !== 'string') return { ...shown, data: details };
  const own = call.index.uris.show(call.request.target.alias, uri);
  return { ...shown, data: { ...details, uri: own } };
}
