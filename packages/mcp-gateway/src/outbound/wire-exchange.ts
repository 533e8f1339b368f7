import type { IncomingHttpHeaders } from 'node:http';
import { HostError } from '@modelhost/kernel';
import type { Agent, Dispatcher } from 'undici';
import { createByteQueue } from './byte-queue.ts';
import type { ByteQueue } from './byte-queue.ts';
import { createDecoder } from './content-decoder.ts';
import type { ByteSink, Pausing } from './content-decoder.ts';

/** Where requests go out, and the bound of what comes back. */
export interface Wire {
  readonly agent: Agent;
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

/** Sends it once, and never follows a redirect. */
export async function sendOnce(wire: Wire, request: WireRequest): Promise<WireAnswer> {
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

/** Follows one exchange from the dispatcher's events to its one outcome; timer and listener go with it. */
function createExchange(wire: Wire, { signal, timeoutMs }: WireRequest): OpenExchange {
  const { server, messageBytesMax } = wire;
  const answered = Promise.withResolvers<WireAnswer>();
  let controller: Dispatcher.DispatchController | undefined;
  let sink: ByteSink | undefined;
  let isOver = false;
  const timer = timeoutMs > 0 ? setTimeout(onTimeout, timeoutMs) : undefined;
  signal?.addEventListener('abort', onAbort, { once: true });

  function finish(): boolean {
    if (isOver) return false;
    isOver = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    return true;
  }

  function fail(reason: Error): void {
    if (!finish()) return;
    answered.reject(reason);
    sink?.fail(reason);
    controller?.abort(reason);
  }

  function onAbort(): void {
    const reason: unknown = signal?.reason;
    fail(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
  }

  function onTimeout(): void {
    const facts = { server, timeout_ms: String(timeoutMs), ...sentFact(controller) };
    fail(new HostError('mcp_timeout', `${server}: no answer in ${timeoutMs} ms`, { facts }));
  }

  function toSink(
    status: number,
    headers: Readonly<Record<string, string>>,
    pausing: Pausing,
  ): ByteSink {
    // A refusal is a text, whatever it says of itself: whoever sends again does not read it.
    const isStream = status < 300 && /^text\/event-stream\b/i.test(headers['content-type'] ?? '');
    if (isStream) {
      const onLeft = (): void => fail(new Error('nobody reads on'));
      const queue = createByteQueue({ ...pausing, onLeft });
      answered.resolve({ status, headers, body: { type: 'stream', chunks: queue.chunks } });
      return endingWith(queue);
    }
    return createTextSink({ server, messageBytesMax, fail }, (text) => {
      if (finish()) answered.resolve({ status, headers, body: { type: 'text', text } });
    });
  }

  function endingWith(queue: ByteQueue): ByteSink {
    return { ...queue.sink, end: () => void (finish() && queue.sink.end()) };
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (started) => {
      controller = started;
      if (isOver) started.abort(new Error('it is over'));
    },
    onResponseStart: (started, status, incoming) => {
      if (status < 200) return;
      const headers = joinHeaders(incoming);
      const sender = { pause: () => started.pause(), resume: () => started.resume() };
      sink = createDecoder(headers['content-encoding'], sender, (pausing) =>
        toSink(status, headers, pausing),
      );
    },
    onResponseData: (_controller, chunk) => sink?.push(chunk),
    onResponseEnd: () => sink?.end(),
    onResponseError: (_controller, cause) => fail(toHostError(server, cause, controller)),
  };
  return { handler, answer: answered.promise };
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
function sentFact(controller: Dispatcher.DispatchController | undefined): {
  readonly sent?: 'true';
} {
  return controller === undefined ? {} : { sent: 'true' };
}

function toHostError(
  server: string,
  cause: Error,
  controller: Dispatcher.DispatchController | undefined,
): HostError {
  if (cause instanceof HostError) return cause;
  const facts = { server, ...sentFact(controller) };
  const code = 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : '';
  if (code.startsWith(' (HPE_')) {
    const message = `${server}: its answer is not of the protocol${code}`;
    return new HostError('mcp_protocol_error', message, { facts, cause });
  }
  const reason = controller === undefined ? 'it cannot be reached' : 'its connection broke';
  return new HostError('mcp_connection_failed', `${server}: ${reason}${code}`, { facts, cause });
}
