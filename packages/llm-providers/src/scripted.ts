import type { Clock, LlmProvider, ModelEvent, ModelRequest } from '@modelhost/kernel';
import { HostError } from '@modelhost/kernel';
import { chunksOf, fitAnswer, inputTokensOf } from './scripted-answer.ts';
import type { ScriptedAnswer } from './scripted-answer.ts';
import { planReport } from './scripted-report.ts';
import { chooseStep } from './scripted-script.ts';
import type { Script } from './scripted-script.ts';

/** How the demo model is made. */
export interface ScriptedProviderOptions {
  /** Name of the provider in the configuration. */
  readonly name: string;
  /** What it plays; absent: the built-in skill `report`, which plans tool calls from the task and the offered tools. */
  readonly script?: Script | undefined;
  /** Times the `delayMs` of a script and `deltaDelayMs`; absent: nothing is ever delayed. */
  readonly setTimer?: Clock['setTimer'] | undefined;
  /** Pause between two deltas, so that people can watch an answer stream in. */
  readonly deltaDelayMs?: number | undefined;
}

/**
 * A stand-in for a language model: offline, and the same conversation always gives the same answer. What it writes
 * follows rules or a script, and each answer of the built-in skill says so.
 */
export function createScriptedProvider(options: ScriptedProviderOptions): LlmProvider {
  const { script, setTimer, deltaDelayMs = 0 } = options;

  async function* stream(
    request: ModelRequest,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<ModelEvent> {
    signal.throwIfAborted();
    const outputBytesMax = request.maxOutputTokens * 4;
    const planned =
      script === undefined ? planReport(request, outputBytesMax) : chooseStep(script, request);
    const answer = fitAnswer(planned, outputBytesMax);
    await pause(planned.delayMs, signal);
    for (const text of chunksOf(answer.text)) {
      yield { type: 'text-delta', text };
      await pause(deltaDelayMs, signal);
    }
    if (planned.error !== undefined) throw errorOf(options.name, planned.error);
    const turn = request.messages.length;
    for (const [index, { name, arguments: values }] of answer.toolCalls.entries()) {
      const call = { id: `demo-${turn}-${index + 1}`, name, arguments: values };
      yield { type: 'tool-call', call };
      signal.throwIfAborted();
    }
    const inputTokens = inputTokensOf(request.messages);
    const { outputTokens, finishReason } = answer;
    const usage = { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0 };
    yield {
      type: 'done',
      stats: { model: request.model, finishReason, usage, responseId: undefined },
    };
  }

  async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (delayMs > 0 && setTimer !== undefined) await wait(setTimer, delayMs, signal);
  }

  return { stream, check: async () => {}, close: async () => {} };
}

async function wait(
  setTimer: Clock['setTimer'],
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  signal.addEventListener('abort', stop);
  const cancel = setTimer(delayMs, resolve);
  await promise;
  cancel();
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
}

function errorOf(provider: string, error: NonNullable<ScriptedAnswer['error']>): HostError {
  const { code, message, retryAfterMs } = error;
  return new HostError(code, message, {
    facts: { provider },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
