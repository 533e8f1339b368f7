import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { RpcError } from '../relay.ts';
import { invalidParams } from './rpc-errors.ts';
import type { SealedStates, StateOrigin } from './sealed-state.ts';

/** How many answers a client can send back at once. */
export const answersMax = 64;

/** What a client sends back to go on: the members to add to the upstream's params, or why it may not. */
export type ReadAnswers =
  | { readonly kind: 'answers'; readonly members: JsonObject | undefined }
  | { readonly kind: 'error'; readonly error: RpcError };

const none: ReadAnswers = { kind: 'answers', members: undefined };

/** Reads `inputResponses` and opens `requestState`. Whatever is wrong with a state, the answer is the same. */
export function readAnswers(
  params: JsonObject,
  states: SealedStates,
  origin: () => StateOrigin,
): ReadAnswers {
  const { inputResponses, requestState } = params;
  if (inputResponses === undefined && requestState === undefined) return none;
  if (inputResponses !== undefined && !isAnswers(inputResponses)) {
    return refused(`params.inputResponses must be an object of at most ${answersMax} objects`);
  }
  const answers = inputResponses === undefined ? {} : { inputResponses };
  if (requestState === undefined) return { kind: 'answers', members: answers };
  const state = typeof requestState === 'string' ? states.open(requestState, origin()) : undefined;
  if (state === undefined) return refused('params.requestState is not valid for this request');
  return { kind: 'answers', members: { ...answers, requestState: state } };
}

/** Whether a value is a set of answers, under the keys of what was asked. */
export function isAnswers(value: Json | undefined): value is JsonObject {
  if (!isJsonObject(value)) return false;
  const answers = Object.values(value);
  return answers.length <= answersMax && answers.every(isJsonObject);
}

function refused(message: string): ReadAnswers {
  return { kind: 'error', error: invalidParams(message) };
}
