import type { Message, RunInput, TokenUsage, ToolCall, ToolDefinition } from '../run.ts';

/** One call of a model. Its answer must fit the schema where the caller wants JSON. */
export interface ModelRequest extends Pick<RunInput, 'sampling' | 'toolChoice' | 'answerSchema'> {
  /** Name of the model at its provider. */
  readonly model: string;
  /** The conversation so far; it changes after the call, so what is kept must be copied. */
  readonly messages: readonly Message[];
  readonly tools: readonly ToolDefinition[];
  /** Hard bound of the answer in tokens; at least 1. */
  readonly maxOutputTokens: number;
  /** The same on every attempt of the same step. */
  readonly idempotencyKey: string;
}

/** Why a model stopped, in one vocabulary for all providers. */
export type FinishReason =
  | 'stop'
  | 'length'
  | 'tool-calls'
  | 'content-filter'
  | 'refusal'
  | 'other';

/** The end of a model call. */
export interface CompletionStats {
  /** The model that answered, as the provider names it. */
  readonly model: string;
  readonly finishReason: FinishReason;
  /** Undefined where the provider reported none. */
  readonly usage: TokenUsage | undefined;
  /** The provider's own id of the answer; never used as a key. */
  readonly responseId: string | undefined;
}

/**
 * An item of a model's answer. Adapters merge the deltas of one network read into one item.
 * A tool call comes whole, after its last fragment; a refusal is text with the finish reason `refusal`.
 */
export type ModelEvent =
  | { readonly type: 'text-delta'; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly text: string }
  | { readonly type: 'tool-call'; readonly call: ToolCall }
  | { readonly type: 'done'; readonly stats: CompletionStats };

/** A model provider. */
export interface LlmProvider {
  /**
   * Streams one answer; the last item is the only `done`. Throws `HostError` with a `provider_*` code, or `overloaded` at a bound of ours.
   * Aborting the signal, or leaving the iteration, closes the connection to the provider and rethrows the signal's reason.
   */
  stream(
    request: ModelRequest,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<ModelEvent>;
  /** Cheap check that the provider can be used; rejects with a `provider_*` error. */
  check(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Closes all connections. */
  close(): Promise<void>;
}
