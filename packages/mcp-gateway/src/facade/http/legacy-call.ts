import { HostError, isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { FacadeCaller, FacadeCore, FacadeIo } from '../core-types.ts';
import { relayedMeta } from '../relayed-meta.ts';
import { toRpcError } from '../rpc-errors.ts';
import type { LegacyAnswer } from './legacy-watches.ts';
import { askClient } from './live-input.ts';
import type { LiveInput } from './live-input.ts';
import type { LiveRequests } from './live-requests.ts';
import { rpcNotification } from './rpc-message.ts';

/** One request of a client before 2026-07-28 on its way to the core. */
export interface LegacyCall {
  readonly method: string;
  readonly params: JsonObject;
  readonly caller: FacadeCaller;
  readonly logLevel: string;
  readonly live: LiveRequests;
  /** Notifications and requests of ours that belong to the call. */
  readonly send: (message: JsonObject) => void;
  readonly signal: AbortSignal;
  /** How often the call may ask for input. */
  readonly inputRoundsMax: number;
}

/** Asks the core, and asks the client live for what the core says is missing, until there is an answer. */
export async function answerByCore(core: FacadeCore, call: LegacyCall): Promise<LegacyAnswer> {
  const { method, params, caller, inputRoundsMax } = call;
  const io = ioFor(call);
  let sent = params;
  for (let rounds = 0; ; rounds += 1) {
    const outcome = await core.handle({ method, params: sent }, caller, io);
    if (outcome.kind === 'result') return { result: outcome.result };
    if (outcome.kind === 'error') return { error: outcome.error };
    const { inputRequests, requestState } = outcome;
    const input =
      rounds === inputRoundsMax
        ? tooManyRounds(inputRoundsMax)
        : await askClient(inputRequests, call).catch(toFailedInput);
    if (input.kind === 'failed') {
      // The upstream still waits for what it asked.
      if (requestState !== undefined) core.abandon(caller, requestState);
      return { error: input.error };
    }
    const state = requestState === undefined ? {} : { requestState };
    sent = { ...params, inputResponses: input.responses, ...state };
  }
}

type FailedInput = Extract<LiveInput, { kind: 'failed' }>;

function tooManyRounds(roundsMax: number): FailedInput {
  const message = `the call asked for input more than ${roundsMax} times`;
  return toFailedInput(new HostError('mcp_protocol_error', message));
}

function toFailedInput(thrown: unknown): FailedInput {
  return { kind: 'failed', error: toRpcError(thrown) };
}

/** The client hears of progress only when it gave a token for it, and under that token. */
function ioFor({ params, signal, send, logLevel }: LegacyCall): FacadeIo {
  const meta = isJsonObject(params['_meta']) ? params['_meta'] : undefined;
  const progressToken = meta?.['progressToken'];
  const hasToken = typeof progressToken === 'string' || typeof progressToken === 'number';
  const tell = (method: string, told: JsonObject): void => {
    if (!signal.aborted) send(rpcNotification(method, told));
  };
  return {
    signal,
    meta: relayedMeta(meta),
    logLevel,
    onLog: (told) => tell('notifications/message', told),
    ...(hasToken
      ? { onProgress: (told) => tell('notifications/progress', { ...told, progressToken }) }
      : {}),
  };
}
