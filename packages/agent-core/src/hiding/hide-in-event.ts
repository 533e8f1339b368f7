import type { ErrorData, RunEnding, RunEventBody } from '@modelhost/kernel';
import type { HideShown } from './hide-shown.ts';
import { mapTexts } from './map-texts.ts';

type Hide = (text: string) => string;
/** For texts, and for the text of the arguments of a call. */
type Hides = Pick<HideShown, 'text' | 'arguments'>;
type HideIn<Body> = (body: Body, hides: Hides) => RunEventBody;

/** What of an event is text that somebody outside may have written. A new type of event does not compile before it says so. */
type Hiders = {
  readonly [Type in RunEventBody['type']]: HideIn<Extract<RunEventBody, { type: Type }>>;
};

/** An event with all its texts hidden. Ids, names of tools, digests and words of ours are left alone. */
export function hideInEvent(body: RunEventBody, hides: Hides): RunEventBody {
  // The function under the name of a type takes an event of just that type.
  const hideIn = hiders[body.type] as HideIn<RunEventBody>;
  return hideIn(body, hides);
}

const asIs: HideIn<RunEventBody> = (body) => body;

const hiders: Hiders = {
  // A piece says nothing by itself: the text that it is of was redacted as a stream.
  'text-delta': asIs,
  'reasoning-delta': asIs,
  'run-started': asIs,
  'step-started': asIs,
  'step-finished': asIs,
  'step-reset': asIs,
  'events-dropped': asIs,
  'context-compacted': asIs,
  usage: asIs,
  'approval-vote': asIs,
  'input-resolved': asIs,
  'tool-requested': (body, hides) => ({ ...body, arguments: hides.arguments(body.arguments) }),
  'approval-requested': (body, hides) => ({ ...body, arguments: hides.arguments(body.arguments) }),
  decision: (body, { text: hide }) => ({
    ...body,
    reasons: body.reasons.map((reason) => ({ ...reason, message: hide(reason.message) })),
  }),
  'approval-resolved': (body, { text: hide }) => ({ ...body, comment: hide(body.comment) }),
  'tool-progress': (body, { text: hide }) => ({ ...body, message: hide(body.message) }),
  'input-requested': (body, { text: hide }) => ({
    ...body,
    message: hide(body.message),
    schema: body.schema === undefined ? undefined : mapTexts(body.schema, hide),
    url: hide(body.url),
  }),
  'tool-finished': (body, { text: hide }) => ({
    ...body,
    content: hide(body.content),
    error: hideInError(body.error, hide),
  }),
  'run-finished': (body, { text: hide }) => ({ ...body, result: hideInResult(body.result, hide) }),
};

/** The result of a run; its answer is the text of its deltas. */
export function hideInResult<Result extends { readonly ending: RunEnding }>(
  result: Result,
  hide: Hide,
): Result {
  return { ...result, ending: hideInEnding(result.ending, hide) };
}

/** An error with its message and its facts hidden. */
export function hideInError<Given extends ErrorData | undefined>(
  error: Given,
  hide: Hide,
): Given | ErrorData {
  if (error === undefined) return error;
  const facts = Object.entries(error.facts).map(([name, fact]) => [name, hide(fact)] as const);
  return { ...error, message: hide(error.message), facts: Object.fromEntries(facts) };
}

function hideInEnding(ending: RunEnding, hide: Hide): RunEnding {
  switch (ending.reason) {
    case 'completed':
    case 'budget_exceeded':
    case 'cancelled':
    case 'deadline':
      return ending;
    case 'denied':
      return { ...ending, message: hide(ending.message) };
    case 'failed':
      return { ...ending, error: hideInError(ending.error, hide) };
  }
}
