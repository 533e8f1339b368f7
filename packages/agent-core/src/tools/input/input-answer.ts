import type { ErrorData, JsonObject } from '@modelhost/kernel';
import type { CheckedCall } from '../tool-records.ts';

/** One request of a call, with the names that its steps are known by. */
export interface AskedInput {
  readonly call: CheckedCall;
  /** Name of its steps, such as `turn-1/tool-2/input-1-1`: round and place in it. */
  readonly name: string;
  readonly params: JsonObject;
}

/** The answer to one request, or why the call cannot go on. */
export type InputAnswer = { readonly answer: JsonObject } | { readonly error: ErrorData };
