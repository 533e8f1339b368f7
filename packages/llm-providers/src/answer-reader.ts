import type { JsonObject, ModelEvent, ModelRequest } from '@modelhost/kernel';

import type { ProviderErrors } from './provider-errors.ts';

/**
 * Turns the answer of one API into model events: a state machine without I/O, used for one answer.
 * Whatever it returns last holds the only `done`. It throws what `errors` of its context makes.
 */
export interface AnswerReader {
  /** Takes one event of the stream. */
  read(event: JsonObject): readonly ModelEvent[];
  /** Takes an answer that came as one JSON document instead of a stream. */
  readWhole(body: JsonObject): readonly ModelEvent[];
  /**
   * Ends an answer that has no `done` yet: at the provider's `[DONE]` marker, or when the stream just stopped.
   * Throws where that leaves the answer incomplete.
   */
  finish(ending: 'marker' | 'end-of-body'): readonly ModelEvent[];
}

/** What a reader knows about its call. */
export interface ReaderContext {
  readonly request: ModelRequest;
  readonly errors: ProviderErrors;
}
