import type { FetchLike } from '@modelcontextprotocol/client';
import { HostError, isJsonObject } from '@modelhost/kernel';
import { readId, wireError, wireErrorCodes } from './wire-errors.ts';

/** Bounds of what comes back over HTTP. */
export interface BoundedFetchOptions {
  readonly server: string;
  /** Of a JSON body, or of one event of a stream. */
  readonly messageBytesMax: number;
  /** Longest time of one request and its answer; streams that only listen have none. */
  readonly requestTimeoutMs: number;
}

interface SentRequest {
  readonly id: string | number;
  readonly method: unknown;
}

/**
 * `fetch` for the SDK's transport that reads no message beyond the bound, and that answers for a server whose stream
 * breaks or ends without an answer: the SDK alone would wait for the whole timeout.
 */
export function createBoundedFetch(options: BoundedFetchOptions): FetchLike {
  return async (url, init) => {
    const sent = readSentRequest(init?.body);
    const isListening = init?.method === 'GET' || sent?.method === 'subscriptions/listen';
    const signals = [
      ...(init?.signal ? [init.signal] : []),
      ...(isListening ? [] : [AbortSignal.timeout(options.requestTimeoutMs)]),
    ];
    const signal = AbortSignal.any(signals);
    const response = await fetch(url, { ...init, signal });
    if (response.body === null) return response;
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    const answersFor = isListening ? undefined : sent?.id;
    const body = isStream
      ? boundEvents(response.body, { ...options, answersFor, signal })
      : boundBody(response.body, options);
    const { status, statusText, headers } = response;
    return new Response(ReadableStream.from(body), { status, statusText, headers });
  };
}

function readSentRequest(body: unknown): SentRequest | undefined {
  if (typeof body !== 'string') return undefined;
  const message: unknown = JSON.parse(body);
  const id = readId(message);
  return id !== undefined && isJsonObject(message) ? { id, method: message['method'] } : undefined;
}

async function* boundBody(
  body: ReadableStream<Uint8Array>,
  { server, messageBytesMax }: BoundedFetchOptions,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > messageBytesMax) {
      const message = `${server}: a message has more than ${messageBytesMax} bytes`;
      throw new HostError('mcp_result_too_large', message, { facts: { server } });
    }
    yield chunk;
  }
}

interface EventStreamOptions extends BoundedFetchOptions {
  /** The request whose answer the stream owes. */
  readonly answersFor: string | number | undefined;
  readonly signal: AbortSignal;
}

async function* boundEvents(
  body: ReadableStream<Uint8Array>,
  { messageBytesMax, answersFor, signal }: EventStreamOptions,
): AsyncGenerator<Uint8Array> {
  const watch = createEventWatch();
  try {
    for await (const chunk of body) {
      if (watch.push(chunk) > messageBytesMax) {
        yield* answerFor(answersFor, wireErrorCodes.tooLarge);
        return;
      }
      yield chunk;
    }
  } catch (cause) {
    if (signal.aborted || answersFor === undefined || watch.isResumable()) throw cause;
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

interface EventWatch {
  /** The bytes of the event that is still open. */
  push(chunk: Uint8Array): number;
  isResumable(): boolean;
}

/** Follows where events end and whether they have ids, without reading what they say. */
function createEventWatch(): EventWatch {
  let tail = '\n';
  let openBytes = 0;
  let hasIds = false;

  function push(chunk: Uint8Array): number {
    const text = tail + Buffer.from(chunk).toString('latin1');
    const end = Math.max(...['\n\n', '\r\n\r\n', '\r\r'].map((gap) => text.lastIndexOf(gap)));
    openBytes = end < 0 ? openBytes + chunk.length : text.length - end;
    hasIds ||= /[\r\n]id:/.test(text);
    tail = text.slice(-4);
    return openBytes;
  }

  return { push, isResumable: () => hasIds };
}
