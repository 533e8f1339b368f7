import type { IncomingHttpHeaders } from 'node:http';

import type { HostError } from '@modelhost/kernel';
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';

import type { ProviderBounds } from './bounds.ts';
import { acceptEncoding, createBodyDecoder, isKnownEncoding } from './content-encoding.ts';
import type { BodyDecoder } from './content-encoding.ts';
import type { ProviderErrors } from './provider-errors.ts';
import type { HeaderReader } from './retry-advice.ts';

/** One request to the provider. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Follows one answer. After `onEnd` or `onFailure`, or after an abort, nothing more is called. */
export interface AnswerReceiver {
  onHead(status: number, header: HeaderReader): void;
  /** The decoded bytes of one read. */
  onBytes(bytes: Uint8Array): void;
  onEnd(): void;
  onFailure(error: HostError): void;
}

/** Holds one answer that is under way. */
export interface Exchange {
  /** Stops reading from the provider; a few reads may still arrive. */
  pause(): void;
  resume(): void;
  /** Closes the connection at once. */
  abort(): void;
}

/** The connections to one provider. */
export interface Transport {
  send(request: HttpRequest, receiver: AnswerReceiver): Exchange;
  /** Closes every connection; answers under way fail. */
  close(): Promise<void>;
}

/** Opens a pool of connections to one origin; nothing is connected before the first request. */
export function createTransport(options: {
  readonly origin: string;
  readonly bounds: ProviderBounds;
  readonly errors: ProviderErrors;
}): Transport {
  const { bounds, errors } = options;
  const pool = new Pool(options.origin, {
    connections: bounds.connectionsMax,
    pipelining: 1,
    // One answer per connection keeps cancelling exact: closing it stops that answer and no other.
    allowH2: false,
    connect: { timeout: bounds.connectTimeoutMs },
    headersTimeout: bounds.headersTimeoutMs,
    bodyTimeout: bounds.idleTimeoutMs,
    keepAliveTimeout: bounds.keepAliveTimeoutMs,
    keepAliveMaxTimeout: bounds.keepAliveTimeoutMs,
  });

  return {
    send: ({ method, path, headers, body }, receiver) => {
      const { handler, exchange } = openExchange({ receiver, bounds, errors });
      pool.dispatch(
        {
          method,
          path,
          headers: { ...headers, 'accept-encoding': acceptEncoding },
          body: body ?? null,
        },
        handler,
      );
      return exchange;
    },
    close: () => pool.destroy(errors.unavailable('the provider is closed', 'closed')),
  };
}

interface ExchangeOptions {
  readonly receiver: AnswerReceiver;
  readonly bounds: ProviderBounds;
  readonly errors: ProviderErrors;
}

interface OpenExchange {
  readonly exchange: Exchange;
  readonly handler: Dispatcher.DispatchHandler;
}

function openExchange(options: ExchangeOptions): OpenExchange {
  const { receiver, bounds, errors } = options;
  let controller: Dispatcher.DispatchController | undefined;
  let decoder: BodyDecoder | undefined;
  let bytesLeft = bounds.answerBytesMax;
  let isOver = false;

  function abort(): void {
    if (isOver) return;
    isOver = true;
    decoder?.destroy();
    controller?.abort(aborted);
  }

  function fail(error: HostError): void {
    if (isOver) return;
    abort();
    receiver.onFailure(error);
  }

  function receive(bytes: Uint8Array): void {
    if (isOver) return;
    bytesLeft -= bytes.length;
    if (bytesLeft >= 0) receiver.onBytes(bytes);
    else fail(errors.invalid(`the answer is larger than ${bounds.answerBytesMax} bytes`));
  }

  function end(): void {
    if (isOver) return;
    isOver = true;
    receiver.onEnd();
  }

  function begin(status: number, header: HeaderReader): void {
    const encoding = (header('content-encoding') ?? '').trim().toLowerCase();
    if (isKnownEncoding(encoding)) {
      decoder = createBodyDecoder(encoding, {
        onBytes: receive,
        onDrain: () => controller?.resume(),
        onEnd: end,
        onError: (cause) => fail(errors.invalid(`the answer is not valid ${encoding}`, cause)),
      });
    } else if (encoding !== 'identity' && encoding !== '') {
      return fail(errors.invalid(`the answer has the unknown encoding ${encoding.slice(0, 40)}`));
    }
    receiver.onHead(status, header);
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (started) => {
      controller = started;
      if (isOver) started.abort(aborted);
    },
    onResponseStart: (_controller, status, headers) => {
      // An informational answer precedes the real one.
      if (!isOver && status >= 200) begin(status, createHeaderReader(headers));
    },
    onResponseData: (reading, chunk) => {
      if (decoder === undefined) receive(chunk);
      else if (!decoder.write(chunk) && !isOver) reading.pause();
    },
    onResponseEnd: () => {
      (decoder ?? { end }).end();
    },
    onResponseError: (_controller, error) => fail(toHostError(error, { bounds, errors })),
  };
  return {
    handler,
    exchange: {
      pause: () => (decoder ?? controller)?.pause(),
      resume: () => (decoder ?? controller)?.resume(),
      abort,
    },
  };
}

function createHeaderReader(headers: IncomingHttpHeaders): HeaderReader {
  return (name) => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
}

const aborted = new Error('closed by the host');

function toHostError(error: Error, context: Omit<ExchangeOptions, 'receiver'>): HostError {
  const { bounds, errors } = context;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return errors.timeout('connect', bounds.connectTimeoutMs);
    case 'UND_ERR_HEADERS_TIMEOUT':
      return errors.timeout('headers', bounds.headersTimeoutMs);
    case 'UND_ERR_BODY_TIMEOUT':
      return errors.timeout('idle', bounds.idleTimeoutMs);
    case 'UND_ERR_HEADERS_OVERFLOW':
      return errors.invalid('the head of the answer is too large', error);
  }
  // Its cause would hold what the server sent, which may be anything.
  if (error.name === 'HTTPParserError') return errors.invalid('the answer is not HTTP');
  return errors.unavailable(`the connection failed (${code})`, code, error);
}
