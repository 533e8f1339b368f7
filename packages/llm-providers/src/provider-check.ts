import type { ProviderBounds } from './bounds.ts';
import { collectBody } from './collected-body.ts';
import type { ProviderErrors } from './provider-errors.ts';
import type { HeaderReader } from './retry-advice.ts';
import type { Exchange, HttpRequest, Transport } from './transport.ts';

/** What a check needs. */
export interface CheckOptions {
  readonly transport: Transport;
  readonly request: HttpRequest;
  readonly bounds: ProviderBounds;
  readonly errors: ProviderErrors;
  readonly signal: AbortSignal;
}

/**
 * Asks for the list of models and reads no more than its head. A server that has no such list (404, 405) answers and
 * so passes; what a wrong key or a broken server says rejects as in a call.
 */
export function checkProvider(options: CheckOptions): Promise<void> {
  const { transport, request, bounds, errors, signal } = options;
  if (signal.aborted) return Promise.reject(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const collected = collectBody();
  let head: { readonly status: number; readonly header: HeaderReader } | undefined;

  function refuse(): void {
    if (head !== undefined) reject(errors.fromHttp({ ...head, body: collected.text() }));
  }

  const exchange: Exchange = transport.send(request, {
    onHead: (status, header) => {
      if ((status >= 200 && status <= 299) || status === 404 || status === 405) return resolve();
      head = { status, header };
    },
    onBytes: (bytes) => {
      if (collected.add(bytes) >= bounds.errorBytesMax) refuse();
    },
    onEnd: refuse,
    onFailure: (error) => {
      refuse();
      reject(error);
    },
  });
  const cancel = (): void => reject(signal.reason);
  const timer = setTimeout(
    () => reject(errors.timeout('total', bounds.totalTimeoutMs)),
    bounds.totalTimeoutMs,
  );
  signal.addEventListener('abort', cancel, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
    exchange.abort();
  });
}
