import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';

import { parseJson, readObject, readObjects, readText } from './json-fields.ts';
import { readSpanMs } from './retry-advice.ts';

/** What a provider says about an error, in one shape for all of them. Texts are as the provider wrote them. */
export interface ErrorDetails {
  /** Empty where the provider said nothing. */
  readonly message: string;
  readonly type: string | undefined;
  readonly code: string | undefined;
  /** HTTP status named in the body, for errors inside a stream that began with 200. */
  readonly status: number | undefined;
  readonly retryHintMs: number | undefined;
}

// A title stands at the beginning; looking further would be slow on a hostile page.
const pageStartLength = 4_096;

/** Reads the body of an error answer: any JSON shape that is in use, a web page, or plain text. */
export function readErrorText(body: string): ErrorDetails {
  const json = parseJson(body);
  if (json !== undefined) return readErrorJson(json);
  const isPage = /^\s*</u.test(body);
  const title = /<title[^>]*>([^<]*)/iu.exec(body.slice(0, pageStartLength))?.[1] ?? '';
  return createDetails(isPage ? title : body, {});
}

/** Reads an error out of a parsed body or event. */
export function readErrorJson(json: unknown): ErrorDetails {
  const outer: unknown = Array.isArray(json) ? json[0] : json;
  if (typeof outer === 'string') return createDetails(outer, {});
  if (!isJsonObject(outer)) return createDetails('', {});
  const inner = readObject(outer, 'error') ?? readObjects(outer, 'errors')[0] ?? outer;
  const raw = readText(readObject(inner, 'metadata'), 'raw');
  const message = readMessage(inner);
  return createDetails(raw === undefined ? message : `${message}: ${raw}`, inner);
}

function createDetails(message: string, error: JsonObject): ErrorDetails {
  const details = readObjects(error, 'details');
  const reason = details.map((item) => readText(item, 'reason')).find((text) => text !== undefined);
  const type = readText(error, 'type');
  return {
    message,
    // `{"type":"error"}` names the envelope, not the error.
    type: type === undefined || type === 'error' ? readText(error, 'status') : type,
    code: readText(error, 'code') ?? reason,
    status: readStatus(error['status_code']) ?? readStatus(error['code']),
    retryHintMs: readDelayMs(details) ?? readHintMs(message),
  };
}

function readMessage(error: JsonObject): string {
  const message =
    error['message'] ?? error['detail'] ?? error['error'] ?? error['error_description'];
  if (typeof message === 'string') return message;
  if (isJsonObject(message)) return readMessage(message);
  if (!Array.isArray(message)) return '';
  // Validation errors of Python servers: a list of places and reasons.
  return readObjects({ message }, 'message')
    .map((item) => {
      const place = Array.isArray(item['loc']) ? `${item['loc'].join('.')}: ` : '';
      return `${place}${readText(item, 'msg') ?? ''}`;
    })
    .join('; ');
}

function readStatus(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 400 && value <= 599 ? value : undefined;
}

/** `google.rpc.RetryInfo`, as Gemini sends it. */
function readDelayMs(details: readonly JsonObject[]): number | undefined {
  for (const item of details) {
    const delay = readText(item, 'retryDelay');
    if (delay !== undefined) return readSpanMs(delay);
  }
  return undefined;
}

function readHintMs(message: string): number | undefined {
  const found = /(?:try again|retry) (?:in|after) (\d[\w.]*)( ?(?:seconds|second))?/iu.exec(
    message,
  );
  const span = found?.[1]?.replace(/\.$/u, '');
  if (span === undefined) return undefined;
  return readSpanMs(found?.[2] === undefined ? span : `${span}s`);
}
