import { parseJsonText } from '@modelhost/kernel';
import type { WireAnswer } from './wire-exchange.ts';

/**
 * An answer whose text is here already. One that succeeded is read by the SDK through `status`, `headers`, `text` and
 * `json` alone, so that it needs neither a stream nor the rest of a `Response`; errors it wants whole.
 */
export function toResponse({ status, headers }: WireAnswer, text: string): Response {
  if (status < 200 || status > 299 || status === 204) {
    const hasNoBody = status === 204 || status === 205 || status === 304;
    return new Response(hasNoBody ? null : text, { status, headers: withoutEncoding(headers) });
  }
  const lean = {
    status,
    ok: true,
    statusText: '',
    url: '',
    type: 'default',
    redirected: false,
    body: null,
    bodyUsed: false,
    headers: new Headers(withoutEncoding(headers)),
    text: async () => text,
    json: async (): Promise<unknown> => parseJsonText(text),
  };
  // It has what the SDK's client reads of an answer that succeeded; tests run each of its ways to read one.
  return lean as unknown as Response;
}

/** A stream of events. */
export function toStreamResponse(
  { status, headers }: WireAnswer,
  chunks: AsyncIterable<Uint8Array>,
): Response {
  return new Response(ReadableStream.from(chunks), { status, headers: withoutEncoding(headers) });
}

/** The bytes are decompressed already. */
function withoutEncoding(
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const { 'content-encoding': _encoding, 'content-length': _length, ...rest } = headers;
  return rest;
}
