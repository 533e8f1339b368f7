import { HostError, isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { FacadeCaller, FacadeCore, FacadeIo } from '../core-types.ts';
import { relayedMeta } from '../relayed-meta.ts';
import { toRpcError } from '../rpc-errors.ts';
import type { Answer } from './legacy-agreement.ts';
import { askClient } from './live-input.ts';
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
export async function answerByCore(core: FacadeCore, call: LegacyCall): Promise<Answer> {
  const { method, params, caller, inputRoundsMax } = call;
  const io = ioFor(call);
  let sent = params;
  for (let rounds = 0; ; rounds += 1) {
    const outcome = await core.handle({ method, params: sent }, caller, io);
    if (outcome.kind === 'result') return { result: outcome.result };
    if (outcome.kind === 'error') return { error: outcome.error };
    if (rounds === inputRoundsMax) return { error: toRpcError(tooManyRounds(inputRoundsMax)) };
    const input = await askClient(outcome.inputRequests, call);
    if (input.kind === 'failed') return { error: input.error };
    const { requestState } = outcome;
    const state = requestState === undefined ? {} : { requestState };
    sent = { ...params, inputResponses: input.responses, ...state };
  }
}

function tooManyRounds(roundsMax: number): HostError {
  return new HostError(
    'mcp_protocol_error',
    `the call asked for input more than ${roundsMax} times`,
  );
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
