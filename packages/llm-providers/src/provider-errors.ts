import { HostError } from '@modelhost/kernel';
import type { ErrorCode, JsonObject } from '@modelhost/kernel';

import { readErrorJson, readErrorText } from './error-body.ts';
import type { ErrorDetails } from './error-body.ts';
import { readRetryAdvice } from './retry-advice.ts';
import type { HeaderReader } from './retry-advice.ts';
import { createSecretMask } from './secret-mask.ts';

/** In which part of a call a timeout struck. */
export type TimeoutPhase = 'connect' | 'headers' | 'idle' | 'total';

/** Makes every error of one provider. No secret of the provider is in a message or a fact. */
export interface ProviderErrors {
  /** An answer with a status other than 2xx. */
  fromHttp(answer: {
    readonly status: number;
    readonly header: HeaderReader;
    readonly body: string;
  }): HostError;
  /** An error inside an answer that began well. */
  fromEvent(event: JsonObject): HostError;
  /** The provider broke its protocol. */
  invalid(what: string, cause?: unknown): HostError;
  /** The provider cannot be reached, or the connection broke; `reason` is a short stable word. */
  unavailable(what: string, reason: string, cause?: unknown): HostError;
  timeout(phase: TimeoutPhase, timeoutMs: number): HostError;
  /** All connections are in use. */
  overloaded(connectionsMax: number): HostError;
}

const messageLengthMax = 1_000;
const factLengthMax = 100;

/** Makes the errors of a provider; `secrets` are never repeated, whole or in part. */
export function createProviderErrors(options: {
  readonly provider: string;
  readonly secrets: readonly string[];
}): ProviderErrors {
  const { provider } = options;
  const mask = createSecretMask(options.secrets);

  function fromDetails(
    details: ErrorDetails,
    status: number | undefined,
    retryAfterMs: number | undefined,
  ): HostError {
    const code = codeOf(details, status);
    const said = showable(details.message, messageLengthMax, mask);
    const message = said === '' ? `HTTP ${status ?? 'error'}` : said;
    const facts: Record<string, string> = { provider };
    if (status !== undefined) facts['status'] = String(status);
    if (details.type !== undefined) facts['type'] = showable(details.type, factLengthMax, mask);
    if (details.code !== undefined) facts['code'] = showable(details.code, factLengthMax, mask);
    if (code === 'provider_rejected' && isTooLong(details)) facts['reason'] = 'context_length';
    const isTemporary = code === 'provider_rate_limited' || code === 'provider_unavailable';
    return new HostError(code, `${provider}: ${message}`, {
      facts,
      ...(isTemporary && retryAfterMs !== undefined ? { retryAfterMs } : {}),
    });
  }

  return {
    fromHttp: ({ status, header, body }) => {
      const details = readErrorText(body);
      return fromDetails(details, status, readRetryAdvice(header, details.retryHintMs));
    },
    fromEvent: (event) => {
      const details = readErrorJson(event);
      return fromDetails(details, details.status, readRetryAdvice(noHeader, details.retryHintMs));
    },
    invalid: (what, cause) =>
      new HostError('provider_invalid_response', `${provider}: ${what}`, {
        cause,
        facts: { provider },
      }),
    unavailable: (what, reason, cause) =>
      new HostError('provider_unavailable', `${provider}: ${what}`, {
        cause,
        facts: { provider, reason },
      }),
    timeout: (phase, timeoutMs) =>
      new HostError('provider_timeout', `${provider}: ${timeoutTexts[phase]} in ${timeoutMs} ms`, {
        facts: { provider, phase, timeout_ms: String(timeoutMs) },
      }),
    overloaded: (connectionsMax) =>
      new HostError('overloaded', `${provider}: ${connectionsMax} calls already in flight`, {
        facts: { provider },
      }),
  };
}

const timeoutTexts: Readonly<Record<TimeoutPhase, string>> = {
  connect: 'no connection',
  headers: 'no answer',
  idle: 'nothing more of the answer',
  total: 'the answer was not complete',
};

const noHeader: HeaderReader = () => undefined;

/** Words that say more than the HTTP status does. */
const decisiveWords: Readonly<Record<string, ErrorCode>> = {
  // Waiting does not fill an account, so this must not look like a rate limit.
  insufficient_quota: 'provider_rejected',
  context_length_exceeded: 'provider_rejected',
  // Gemini answers 400 to a wrong key.
  API_KEY_INVALID: 'provider_unauthorized',
};

/** Words of errors that come without a status, inside a stream. */
const words: Readonly<Record<string, ErrorCode>> = {
  authentication_error: 'provider_unauthorized',
  permission_error: 'provider_unauthorized',
  invalid_api_key: 'provider_unauthorized',
  UNAUTHENTICATED: 'provider_unauthorized',
  PERMISSION_DENIED: 'provider_unauthorized',
  rate_limit_error: 'provider_rate_limited',
  rate_limit_exceeded: 'provider_rate_limited',
  RESOURCE_EXHAUSTED: 'provider_rate_limited',
  invalid_request_error: 'provider_rejected',
  invalid_prompt: 'provider_rejected',
  not_found_error: 'provider_rejected',
  request_too_large: 'provider_rejected',
  billing_error: 'provider_rejected',
  INVALID_ARGUMENT: 'provider_rejected',
  FAILED_PRECONDITION: 'provider_rejected',
  NOT_FOUND: 'provider_rejected',
};

function codeOf(details: ErrorDetails, status: number | undefined): ErrorCode {
  const said = [details.code ?? '', details.type ?? ''];
  const decisive = said.map((word) => decisiveWords[word]).find((code) => code !== undefined);
  if (decisive !== undefined) return decisive;
  if (status !== undefined) return codeOfStatus(status);
  return (
    said.map((word) => words[word]).find((code) => code !== undefined) ?? 'provider_unavailable'
  );
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'provider_unauthorized';
  if (status === 429) return 'provider_rate_limited';
  if (status === 408 || status === 425 || status >= 500) return 'provider_unavailable';
  // Redirects are not followed: they would carry the key to a place nobody configured.
  return status < 400 ? 'provider_invalid_response' : 'provider_rejected';
}

const tooLongWords: ReadonlySet<string> = new Set([
  'context_length_exceeded',
  'exceed_context_size_error',
  'request_too_large',
]);
/** What providers say of a request that is longer than their model's window. */
const tooLongText =
  /prompt is too long|maximum context length|context (?:length|limit|size|window)|input token count\b.{0,40}\bexceeds/iu;

/** Some providers have a code for it; the others only say it. */
function isTooLong({ code, type, message }: ErrorDetails): boolean {
  const isCoded = [code, type].some((word) => tooLongWords.has(word ?? ''));
  return isCoded || tooLongText.test(message.slice(0, messageLengthMax));
}

/** One line of at most `lengthMax` characters without secrets. */
function showable(text: string, lengthMax: number, mask: (text: string) => string): string {
  // Cut first, at a word's end so that no half of a key is left: this bounds the work on a large body.
  const isLong = text.length > lengthMax * 2;
  const start = isLong ? text.slice(0, lengthMax * 2).replace(/\S+$/u, '') : text;
  const line = mask(start.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim());
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax - 1)}…`;
}
