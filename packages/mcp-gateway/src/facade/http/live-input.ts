import type { JsonObject } from '@modelhost/kernel';
import type { InputRequest, RpcError } from '../../relay.ts';
import type { LiveAnswer, LiveRequests } from './live-requests.ts';

/** The answers to what an upstream asked, by its keys; or why the call cannot go on. */
export type LiveInput =
  | { readonly kind: 'answered'; readonly responses: JsonObject }
  | { readonly kind: 'failed'; readonly error: RpcError };

/** The call whose client is asked. */
export interface LiveInputOptions {
  readonly live: LiveRequests;
  readonly send: (message: JsonObject) => void;
  readonly signal: AbortSignal;
}

type OneInput =
  | { readonly kind: 'answered'; readonly response: JsonObject }
  | { readonly kind: 'failed'; readonly error: RpcError };

/**
 * Asks the client everything at once; the core asks nothing that the client did not declare. The first that fails ends the
 * others. Rejects with the signal's reason.
 */
export async function askClient(
  requests: Readonly<Record<string, InputRequest>>,
  options: LiveInputOptions,
): Promise<LiveInput> {
  const failing = new AbortController();
  const signal = AbortSignal.any([options.signal, failing.signal]);
  let failure: RpcError | undefined;
  const answers = Object.entries(requests).map(async ([key, request]) => {
    const input = await askOne(request, { ...options, signal });
    if (input.kind === 'answered') return [key, input.response] as const;
    failure ??= input.error;
    failing.abort();
    return undefined;
  });
  const settled = await Promise.allSettled(answers);
  options.signal.throwIfAborted();
  if (failure !== undefined) return { kind: 'failed', error: failure };
  const responses: Record<string, JsonObject> = {};
  for (const answer of settled) {
    if (answer.status === 'rejected') throw answer.reason;
    if (answer.value !== undefined) responses[answer.value[0]] = answer.value[1];
  }
  return { kind: 'answered', responses };
}

async function askOne(request: InputRequest, options: LiveInputOptions): Promise<OneInput> {
  const { live, send, signal } = options;
  const answer: LiveAnswer = await live.ask(request, send, signal);
  switch (answer.kind) {
    case 'result':
      return { kind: 'answered', response: answer.result };
    case 'error':
      return withoutClient(request, answer.error);
    case 'timeout':
      return withoutClient(request, {
        code: -32_603,
        message: 'The client did not answer a request of the tool in time',
      });
  }
}

/** What stands in for an answer: nobody said yes, and only a completion cannot be done without. */
function withoutClient(request: InputRequest, error: RpcError): OneInput {
  switch (request.method) {
    case 'elicitation/create':
      return { kind: 'answered', response: { action: 'cancel' } };
    case 'roots/list':
      return { kind: 'answered', response: { roots: [] } };
    case 'sampling/createMessage':
      return { kind: 'failed', error };
  }
}
