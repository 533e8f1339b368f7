import { sha256Hex } from '@modelhost/kernel';
import type { LlmProvider, ModelRequest } from '@modelhost/kernel';

import type { AnswerReader, ReaderContext } from './answer-reader.ts';
import { openAnswerStream } from './answer-stream.ts';
import { readProviderBounds } from './bounds.ts';
import type { ProviderBounds } from './bounds.ts';
import { readEndpoint, secretsOf } from './endpoint.ts';
import { checkProvider } from './provider-check.ts';
import { createProviderErrors } from './provider-errors.ts';
import { createTransport } from './transport.ts';

/** What every provider that is reached over HTTP needs. */
export interface HttpProviderOptions {
  /** Name in the configuration; it begins every error message. */
  readonly name: string;
  /** Everything before the path of the API, its version included: `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Sent the way the API wants it, and never shown; undefined for a server that asks for none. */
  readonly apiKey: string | undefined;
  /** Sent with every request; they win over the headers of the adapter. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly bounds?: Partial<ProviderBounds>;
}

/** What makes one API different from the others. */
export interface ProviderApi {
  /** Headers of the API, the key's among them. */
  createHeaders(apiKey: string | undefined): Readonly<Record<string, string>>;
  /** The call; `body` is sent as JSON, without its undefined members. */
  createRequest(request: ModelRequest): ApiRequest;
  createReader(context: ReaderContext): AnswerReader;
  /** A cheap GET that lists models and needs the key. */
  readonly checkPath: string;
}

/** A call of an API. */
export interface ApiRequest {
  /** After the base URL; begins with a slash. */
  readonly path: string;
  readonly body: unknown;
}

/** Makes a provider out of an API. Throws `config_invalid` for options that can never work. */
export function createHttpProvider(options: HttpProviderOptions, api: ProviderApi): LlmProvider {
  const bounds = readProviderBounds(options.bounds);
  const endpoint = readEndpoint(options, api.createHeaders(options.apiKey));
  const errors = createProviderErrors({ provider: options.name, secrets: secretsOf(options) });
  const transport = createTransport({ origin: endpoint.origin, bounds, errors });
  let callsInFlight = 0;

  function stream(
    request: ModelRequest,
    { signal }: { readonly signal: AbortSignal },
  ): ReturnType<LlmProvider['stream']> {
    let isCounted = false;
    return openAnswerStream({
      reader: api.createReader({ request, errors }),
      bounds,
      errors,
      signal,
      send: (receiver) => {
        // The pool would queue without a bound; a call beyond the connections is refused instead.
        if (callsInFlight >= bounds.connectionsMax) throw errors.overloaded(bounds.connectionsMax);
        callsInFlight += 1;
        isCounted = true;
        const { path, body } = api.createRequest(request);
        return transport.send(
          {
            method: 'POST',
            path: `${endpoint.path}${path}`,
            headers: {
              accept: 'text/event-stream, application/json',
              'content-type': 'application/json',
              'idempotency-key': headerSafe(request.idempotencyKey),
              ...endpoint.headers,
            },
            body: JSON.stringify(body),
          },
          receiver,
        );
      },
      onSettled: () => {
        if (isCounted) callsInFlight -= 1;
      },
    });
  }

  return {
    stream,
    check: ({ signal }) =>
      checkProvider({
        transport,
        request: {
          method: 'GET',
          path: `${endpoint.path}${api.checkPath}`,
          headers: { accept: 'application/json', ...endpoint.headers },
          body: undefined,
        },
        bounds,
        errors,
        signal,
      }),
    close: () => transport.close(),
  };
}

/** A header may hold printable ASCII only; another key is replaced by its hash, which is as unique. */
function headerSafe(key: string): string {
  return /^[!-~]{1,255}$/u.test(key) ? key : sha256Hex(key);
}
