import { canonicalJson, HostError } from '@modelhost/kernel';
import type {
  ErrorData,
  JsonObject,
  ToolDefinition,
  ToolInputRequest,
  ToolReply,
} from '@modelhost/kernel';
import type { ActiveRun } from '../../active-run.ts';
import { mapTexts, namesIn } from '../../hiding/map-texts.ts';
import type { Incoming } from '../incoming.ts';
import type { CheckedCall } from '../tool-records.ts';
import { elicit } from './elicitation.ts';
import type { AskedInput, InputAnswer } from './input-answer.ts';
import { sample } from './sampling.ts';

const requestsMax = 8;
const keyLengthMax = 256;
/** State and requests of one round are journaled, so they are bounded. */
const stateLengthMax = 256 * 1_024;
const requestsLengthMax = 1_024 * 1_024;
const paramsDepthMax = 32;

/** A run of letters that is longer than any secret: the bytes of an image. */
const bytesText = /^[A-Za-z0-9+/]{1024,}={0,2}$/;

/** What a tool asks for in one round, by the server's own keys. */
export type InputRequests = Readonly<Record<string, ToolInputRequest>>;

/** The answers of a round, under the keys of its requests, or why there are none. */
export type InputAnswers =
  | { readonly answers: Readonly<Record<string, JsonObject>> }
  | { readonly error: ErrorData };

/** Throws `mcp_protocol_error` for more than a call may ask for at once. */
export function checkRequests(
  tool: ToolDefinition,
  { state, requests }: Extract<ToolReply, { type: 'input-required' }>,
): void {
  const keys = Object.keys(requests);
  if (
    keys.length > requestsMax ||
    keys.some(({ length }) => length > keyLengthMax) ||
    state.length > stateLengthMax ||
    lengthOf(requests) > requestsLengthMax
  ) {
    throw new HostError('mcp_protocol_error', `${tool.name} asks for too much at once`, {
      facts: { tool: tool.name, requests_max: String(requestsMax) },
    });
  }
}

/**
 * What a server asks for is text from outside, but for the bytes of an image. Throws `mcp_protocol_error` for a name that has to be
 * hidden: nobody could answer under it.
 */
export function hideInRequests(requests: InputRequests, { hide }: Incoming): InputRequests {
  const hideText = (text: string): string => (bytesText.test(text) ? text : hide(text));
  return Object.fromEntries(
    Object.entries(requests).map(([key, { method, params }]) => {
      if (namesIn(params).some((name) => hide(name) !== name)) {
        throw new HostError(
          'mcp_protocol_error',
          'the request for input has a name that is hidden',
        );
      }
      return [key, { method, params: mapTexts(params, hideText) }];
    }),
  );
}

function lengthOf(requests: InputRequests): number {
  try {
    return Object.values(requests).reduce(
      (sum, { params }) => sum + canonicalJson(params, paramsDepthMax).length,
      0,
    );
  } catch {
    // Nested too deeply to be journaled.
    return Infinity;
  }
}

/**
 * Answers the requests of a round one after the other, in the order of their keys. It gives an error for what no agent can
 * be asked, for what this one must not be asked, and for a model call that failed; it rejects only when the run ends.
 */
export async function answerRequests(
  run: ActiveRun,
  call: CheckedCall,
  { round, requests }: { readonly round: number; readonly requests: InputRequests },
): Promise<InputAnswers> {
  const answers: [string, JsonObject][] = [];
  for (const [index, key] of Object.keys(requests).sort().entries()) {
    const request = requests[key];
    if (request === undefined) continue;
    const name = `${call.base}/input-${round}-${index + 1}`;
    const given = await answerRequest(run, request, { call, name, params: request.params });
    if ('error' in given) return given;
    answers.push([key, given.answer]);
  }
  return { answers: Object.fromEntries(answers) };
}

async function answerRequest(
  run: ActiveRun,
  { method }: ToolInputRequest,
  asked: AskedInput,
): Promise<InputAnswer> {
  switch (method) {
    case 'elicitation/create':
      return elicit(run, asked);
    case 'sampling/createMessage':
      return sample(run, asked);
  }
}
