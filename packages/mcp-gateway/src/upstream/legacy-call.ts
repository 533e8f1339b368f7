import type { Clock, HostError, JsonObject, Principal } from '@modelhost/kernel';
import type {
  Exchange,
  ExchangeContext,
  ExchangeOutcome,
  InputRequest,
  RpcError,
} from '../relay.ts';
import { tellWaiting } from './inquiry.ts';
import { createLeg } from './leg.ts';
import type { Leg } from './leg.ts';
import { liveErrors } from './live-request.ts';
import { tellLog } from './log-levels.ts';
import { readLegacyOutcome } from './outcome.ts';
import { createQuestions } from './questions.ts';
import type { Questions } from './questions.ts';
import type { RpcAnswer, RpcId, RpcNotification, RpcRequest } from './rpc-message.ts';
import type { OutgoingRequest, SentRequest, Wire } from './wire.ts';

/**
 * One request to an upstream before 2026-07-28. When the upstream asks for input meanwhile, the leg that waits ends with
 * `input-required` and the call is parked: it stays with the upstream until a later leg brings the answers.
 */
export interface LegacyCall {
  readonly exchange: Exchange;
  readonly principal: Principal;
  /** Capabilities of the leg that waits, or waited last. */
  capabilities(): JsonObject;
  /** Whether a leg waits for what comes; a call that is parked does not. */
  isWaiting(): boolean;
  /** Waits for what comes next, with answers to what was asked. */
  join(context: ExchangeContext, inputResponses: JsonObject): Promise<ExchangeOutcome>;
  /** A request of the upstream that belongs to this call. */
  ask(id: RpcId, request: InputRequest): void;
  /** The upstream takes a request of its own back. Says whether it belonged to this call. */
  takeBack(id: RpcId): boolean;
  /** A log message that belongs to this call. Says whether it was wanted. */
  log(params: JsonObject): boolean;
  /** Nobody will come back for it. */
  expire(): void;
}

/** What a call is made of. */
export interface LegacyCallOptions {
  readonly server: string;
  readonly wire: Wire;
  readonly clock: Clock;
  readonly progressTimeoutMs: number;
  readonly exchange: Exchange;
  readonly principal: Principal;
  readonly request: OutgoingRequest;
  /** Keeps the call under a name to come back with; undefined when there is no room. */
  readonly park: (call: LegacyCall) => string | undefined;
  /** A request of the upstream, or something it tells, on this call's own stream. */
  readonly onMessage: (message: RpcRequest | RpcNotification, call: LegacyCall) => void;
  /** It is heard what came of it, or it is given up: then the upstream may go on with it all the same. */
  readonly onOver: (call: LegacyCall, isGivenUp: boolean) => void;
}

type Ending =
  | { readonly kind: 'answer'; readonly answer: RpcAnswer }
  | { readonly kind: 'failure'; readonly failure: HostError };

/** How far apart questions of one round may arrive. */
const roundGatherMs = 10;

/** Sends the request with the first `join`. */
export function createLegacyCall(options: LegacyCallOptions): LegacyCall {
  const { wire, exchange, principal } = options;
  const questions = createQuestions(wire);
  let capabilities: JsonObject = {};
  let leg: Leg | undefined;
  let sent: SentRequest | undefined;
  let ending: Ending | undefined;
  const self: LegacyCall = {
    exchange,
    principal,
    capabilities: () => capabilities,
    isWaiting: () => leg !== undefined,
    join,
    ask,
    takeBack: (id) => questions.takeBack(id),
    log: (params) => leg !== undefined && tellLog(params, leg.context),
    expire: () => onGivenUp('nobody comes back for it', liveErrors.expired),
  };

  function join(context: ExchangeContext, inputResponses: JsonObject): Promise<ExchangeOutcome> {
    ({ capabilities } = context);
    const waiting = createLeg({ ...options, context, onGivenUp });
    leg = waiting;
    questions.answer(inputResponses);
    sent ??= send();
    if (ending !== undefined) finish(waiting, ending);
    else if (questions.size() > 0) planRound(waiting);
    return waiting.outcome;
  }

  function send(): SentRequest {
    return wire.send(options.request, {
      onAnswer: (answer) => end({ kind: 'answer', answer }),
      onFailure: (failure) => end({ kind: 'failure', failure }),
      onNotification: (notification) => {
        if (!hear(notification, leg)) options.onMessage(notification, self);
      },
      onRequest: (request) => options.onMessage(request, self),
    });
  }

  function ask(id: RpcId, request: InputRequest): void {
    questions.add(id, request);
    if (leg !== undefined) planRound(leg);
  }

  /** Questions that were sent together share a round. The wire may bring them apart, whatever our clock says. */
  function planRound(waiting: Leg): void {
    setTimeout(() => {
      const round = leg === waiting ? toRound(() => options.park(self), questions) : undefined;
      if (round === undefined) return;
      leg = undefined;
      waiting.settle(round);
    }, roundGatherMs);
  }

  function end(how: Ending): void {
    ending = how;
    // What the upstream asked has no use any more.
    questions.clear();
    if (leg !== undefined) finish(leg, how);
  }

  function finish(waiting: Leg, how: Ending): void {
    leg = undefined;
    options.onOver(self, false);
    settle(waiting, how, options);
  }

  function onGivenUp(reason: string, error: RpcError = liveErrors.ended): void {
    leg = undefined;
    // First, so that a server does not take the refusal for its answer and go on.
    if (ending === undefined) sent?.cancel(reason);
    questions.refuse(error);
    options.onOver(self, ending === undefined);
  }

  return self;
}

/** Says whether the notification was for whoever waits. */
function hear(notification: RpcNotification, leg: Leg | undefined): boolean {
  leg?.renew();
  return leg !== undefined && tellWaiting(notification, leg.context);
}

/** What is asked now, under the name the call is parked by. Without room for it nobody is asked. */
function toRound(
  park: () => string | undefined,
  questions: Questions,
): ExchangeOutcome | undefined {
  if (questions.size() === 0) return undefined;
  const requestState = park();
  if (requestState !== undefined) {
    return { kind: 'input-required', inputRequests: questions.open(), requestState };
  }
  questions.refuse(liveErrors.tooMany);
  return undefined;
}

function settle(leg: Leg, how: Ending, { exchange, server }: LegacyCallOptions): void {
  try {
    if (how.kind === 'failure') throw how.failure;
    leg.settle(readLegacyOutcome(how.answer, exchange.method, server));
  } catch (cause) {
    leg.fail(cause);
  }
}
