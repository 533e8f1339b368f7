import type { IncomingHttpHeaders } from 'node:http';
import { HostError } from '@modelhost/kernel';
import type { Clock } from '@modelhost/kernel';
import type { Agent, Dispatcher } from 'undici';
import { checkScheme } from './address-guard.ts';
import { createByteQueue } from './byte-queue.ts';
import { createDecoder } from './content-decoder.ts';
import type { ByteSink, Pausing } from './content-decoder.ts';

/** Where requests go out, and the bound of what comes back. */
export interface Wire {
  readonly agent: Agent;
  readonly clock: Pick<Clock, 'setTimer'>;
  /** Alias, for messages. */
  readonly server: string;
  /** Of a body after decompression. A stream of events is bounded by whoever reads it. */
  readonly messageBytesMax: number;
}

/** One request. */
export interface WireRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Of the request and its whole answer; none when 0. */
  readonly timeoutMs: number;
}

/** What came back. Chunks of a stream of events are read to the end, or the loop is left, which ends the request. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body:
    | { readonly type: 'text'; readonly text: string }
    | { readonly type: 'stream'; readonly chunks: AsyncIterable<Uint8Array> };
}

const lingerTimeoutMs = 1_000;

/** Sends it once, and never follows a redirect. */
export async function sendOnce(wire: Wire, request: WireRequest): Promise<WireAnswer> {
  checkScheme(wire.server, request.url);
  checkHeaders(wire.server, request.headers);
  request.signal?.throwIfAborted();
  const { url, method, body } = request;
  const exchange = createExchange(wire, request);
  wire.agent.dispatch(
    {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: { 'accept-encoding': 'gzip, br, deflate', ...request.headers },
      body: body ?? null,
    },
    exchange.handler,
  );
  return await exchange.answer;
}

/** Throws `validation_failed` for what would be two headers, or none, on the wire. */
function checkHeaders(server: string, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7E\x80-\xFF]*$/.test(value)) continue;
    const message = `${server}: a header has a character that headers cannot have`;
    throw new HostError('validation_failed', message, { facts: { server } });
  }
}

interface OpenExchange {
  readonly handler: Dispatcher.DispatchHandler;
  readonly answer: Promise<WireAnswer>;
}

/** Follows one exchange through the dispatcher's events to its one outcome. */
function createExchange(wire: Wire, request: WireRequest): OpenExchange {
  const { server, messageBytesMax, clock } = wire;
  const answered = Promise.withResolvers<WireAnswer>();
  let controller: Dispatcher.DispatchController | undefined;
  let sink: ByteSink | undefined;
  const ending = createEnding(request, {
    isSent: () => controller !== undefined,
    server,
    clock,
    onFailed: (reason) => {
      answered.reject(reason);
      sink?.fail(reason);
      controller?.abort(reason);
    },
  });

  function toSink(status: number, headers: WireAnswer['headers'], pausing: Pausing): ByteSink {
    // A refusal is a text, whatever it says of itself: whoever sends again does not read it.
    const isStream = status < 300 && /^text\/event-stream\b/i.test(headers['content-type'] ?? '');
    if (!isStream) {
      return createTextSink({ server, messageBytesMax, fail: ending.fail }, (text) => {
        if (ending.finish()) answered.resolve({ status, headers, body: { type: 'text', text } });
      });
    }
    const { sink: queue, chunks } = createByteQueue({ ...pausing, onLeft: ending.linger });
    answered.resolve({ status, headers, body: { type: 'stream', chunks } });
    return { ...queue, end: () => void (ending.finish() && queue.end()) };
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (started) => {
      controller = started;
      if (ending.isOver()) started.abort(new Error('it is over'));
    },
    onResponseStart: (started, status, incoming) => {
      if (status < 200) return;
      const headers = joinHeaders(incoming);
      const sender = { pause: () => started.pause(), resume: () => started.resume() };
      const encoding = headers['content-encoding'];
      sink = createDecoder({ encoding, sender, server }, (pausing) =>
        toSink(status, headers, pausing),
      );
    },
    onResponseData: (_controller, chunk) => sink?.push(chunk),
    onResponseEnd: () => sink?.end(),
    onResponseError: (_controller, cause) =>
      ending.fail(toHostError(server, cause, controller !== undefined)),
  };
  return { handler, answer: answered.promise };
}

interface Ending {
  readonly isOver: () => boolean;
  /** Whether this was the end: there is only one. */
  readonly finish: () => boolean;
  readonly fail: (reason: Error) => void;
  /** A server ends its stream after the answer, and then the connection can be used again: it gets a moment for that. */
  readonly linger: () => void;
}

interface EndingOptions {
  readonly server: string;
  readonly clock: Pick<Clock, 'setTimer'>;
  readonly isSent: () => boolean;
  readonly onFailed: (reason: Error) => void;
}

/** The first of answer, failure, abort and timeout. Timer and listener go with it. */
function createEnding(
  { signal, timeoutMs }: WireRequest,
  { server, clock, isSent, onFailed }: EndingOptions,
): Ending {
  let isOver = false;
  let stopTimer = timeoutMs > 0 ? clock.setTimer(timeoutMs, onTimeout) : undefined;
  signal?.addEventListener('abort', onAbort, { once: true });

  function finish(): boolean {
    if (isOver) return false;
    isOver = true;
    stopTimer?.();
    signal?.removeEventListener('abort', onAbort);
    return true;
  }

  function fail(reason: Error): void {
    if (finish()) onFailed(reason);
  }

  function onAbort(): void {
    const reason: unknown = signal?.reason;
    fail(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
  }

  function onTimeout(): void {
    const facts = { server, timeout_ms: String(timeoutMs), ...sentFact(isSent()) };
    fail(new HostError('mcp_timeout', `${server}: no answer in ${timeoutMs} ms`, { facts }));
  }

  function linger(): void {
    if (isOver) return;
    stopTimer?.();
    stopTimer = clock.setTimer(lingerTimeoutMs, () => fail(new Error('nobody reads on')));
  }

  return { isOver: () => isOver, finish, fail, linger };
}

interface TextSinkOptions {
  readonly server: string;
  readonly messageBytesMax: number;
  readonly fail: (reason: Error) => void;
}

function createTextSink(
  { server, messageBytesMax, fail }: TextSinkOptions,
  onText: (text: string) => void,
): ByteSink {
  const chunks: Uint8Array[] = [];
  let bytes = 0;

  function push(chunk: Uint8Array): void {
    bytes += chunk.length;
    if (bytes <= messageBytesMax) {
      chunks.push(chunk);
      return;
    }
    const message = `${server}: a message has more than ${messageBytesMax} bytes`;
    fail(new HostError('mcp_result_too_large', message, { facts: { server, sent: 'true' } }));
  }

  return { push, end: () => onText(Buffer.concat(chunks).toString('utf8')), fail };
}

function joinHeaders(incoming: IncomingHttpHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(incoming).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

/** Before the dispatcher has started a request, nothing of it is on the wire. */
function sentFact(isSent: boolean): { readonly sent?: 'true' } {
  return isSent ? { sent: 'true' } : {};
}

function toHostError(server: string, cause: Error, isSent: boolean): HostError {
  if (cause instanceof HostError) return cause;
  const facts = { server, ...sentFact(isSent) };
  if (cause.name === 'HTTPParserError') {
    const message = `${server}: its answer is not of HTTP`;
    return new HostError('mcp_protocol_error', message, { facts, cause });
  }
  const code = 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : '';
  const reason = isSent ? 'its connection broke' : 'it cannot be reached';
  return new HostError('mcp_connection_failed', `${server}: ${reason}${code}`, { facts, cause });
}
