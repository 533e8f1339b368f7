import type { FetchLike } from '@modelcontextprotocol/client';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import { readId, wireError, wireErrorCodes } from '../upstream/wire-errors.ts';
import { createEventWatch } from './event-watch.ts';
import { toResponse, toStreamResponse } from './lean-response.ts';
import { sendWithinOrigin } from './redirects.ts';
import type { Wire } from './wire-exchange.ts';

interface SentRequest {
  readonly id: string | number;
  readonly method: unknown;
}

/**
 * `fetch` for the SDK that reads no message beyond the bound, and that answers for a server whose stream breaks or ends
 * without an answer: the SDK alone would wait for the whole timeout. Redirects are its own affair, whatever is asked.
 */
export function createFetchLike(wire: Wire, requestTimeoutMs: number): FetchLike {
  return async (url, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers));
    const body = readBody(init?.body);
    const sent = readSentRequest(body);
    const isListening =
      headers['accept'] === 'text/event-stream' || sent?.method === 'subscriptions/listen';
    const answer = await sendWithinOrigin(wire, {
      url: new URL(url),
      method: init?.method ?? 'GET',
      headers,
      ...(body === undefined ? {} : { body }),
      ...(init?.signal ? { signal: init.signal } : {}),
      timeoutMs: isListening ? 0 : requestTimeoutMs,
    });
    if (answer.body.type === 'text') return toResponse(answer, answer.body.text);
    const answersFor = isListening ? undefined : sent?.id;
    const { messageBytesMax } = wire;
    const { signal } = init ?? {};
    return toStreamResponse(
      answer,
      boundEvents(answer.body.chunks, { messageBytesMax, answersFor, signal }),
    );
  };
}

/** The SDK sends texts and forms, nothing else. */
function readBody(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new TypeError('a body is neither a text nor a form');
}

function readSentRequest(body: string | undefined): SentRequest | undefined {
  if (body?.startsWith('{') !== true) return undefined;
  const message = parseJsonText(body);
  const id = readId(message);
  return id !== undefined && isJsonObject(message) ? { id, method: message['method'] } : undefined;
}

interface EventStreamOptions {
  readonly messageBytesMax: number;
  /** The request whose answer the stream owes. */
  readonly answersFor: string | number | undefined;
  readonly signal: AbortSignal | null | undefined;
}

async function* boundEvents(
  chunks: AsyncIterable<Uint8Array>,
  { messageBytesMax, answersFor, signal }: EventStreamOptions,
): AsyncGenerator<Uint8Array> {
  const watch = createEventWatch();
  try {
    for await (const chunk of chunks) {
      if (watch.push(chunk) > messageBytesMax) {
        yield* answerFor(answersFor, wireErrorCodes.tooLarge);
        return;
      }
      yield chunk;
    }
  } catch (cause) {
    if (signal?.aborted === true || answersFor === undefined || watch.isResumable()) throw cause;
  }
  // A stream whose events have ids may be taken up again, which the SDK does. An answer that came before makes this
  // one of no account.
  if (!watch.isResumable()) yield* answerFor(answersFor, wireErrorCodes.streamEnded);
}

function* answerFor(id: string | number | undefined, code: number): Generator<Uint8Array> {
  if (id === undefined) return;
  const message = JSON.stringify(wireError(id, code, 'no answer on this stream'));
  yield Buffer.from(`\n\nevent: message\ndata: ${message}\n\n`);
}
