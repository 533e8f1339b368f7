/** Reads a header by its lower-case name. */
export type HeaderReader = (name: string) => string | undefined;

const adviceMsMax = 24 * 60 * 60 * 1000;

const resetHeaders = [
  ['x-ratelimit-reset-requests', 'x-ratelimit-remaining-requests'],
  ['x-ratelimit-reset-tokens', 'x-ratelimit-remaining-tokens'],
  ['x-ratelimit-reset', 'x-ratelimit-remaining'],
  ['anthropic-ratelimit-requests-reset', 'anthropic-ratelimit-requests-remaining'],
  ['anthropic-ratelimit-input-tokens-reset', 'anthropic-ratelimit-input-tokens-remaining'],
  ['anthropic-ratelimit-output-tokens-reset', 'anthropic-ratelimit-output-tokens-remaining'],
  ['anthropic-ratelimit-tokens-reset', 'anthropic-ratelimit-tokens-remaining'],
] as const;

/**
 * When a retry makes sense, in milliseconds from now, at most a day. A point in time is measured against the
 * answer's own `date` header, so neither a clock of ours nor its skew plays a part.
 */
export function readRetryAdvice(
  header: HeaderReader,
  bodyHintMs: number | undefined,
): number | undefined {
  const nowMs = readDateMs(header('date'));
  const advice =
    readNumber(header('retry-after-ms')) ??
    readWaitMs(header('retry-after'), nowMs) ??
    bodyHintMs ??
    readResetMs(header, nowMs);
  return advice === undefined ? undefined : Math.min(Math.ceil(Math.max(advice, 0)), adviceMsMax);
}

/** A span such as `6m0s`, `1.5s`, `20ms` or `1h2m`, in milliseconds. */
export function readSpanMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/u.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/gu)) {
    total += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  }
  return total;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function readResetMs(header: HeaderReader, nowMs: number | undefined): number | undefined {
  let usedUpMs: number | undefined;
  let longestMs: number | undefined;
  for (const [reset, remaining] of resetHeaders) {
    const waitMs = readWaitMs(header(reset), nowMs);
    if (waitMs === undefined) continue;
    longestMs = Math.max(longestMs ?? 0, waitMs);
    if (header(remaining) === '0') usedUpMs = Math.max(usedUpMs ?? 0, waitMs);
  }
  // A window that is used up is the reason; without one the longest wait is the safe answer.
  return usedUpMs ?? longestMs;
}

function readWaitMs(text: string | undefined, nowMs: number | undefined): number | undefined {
  if (text === undefined) return undefined;
  const amount = readNumber(text);
  if (amount === undefined) {
    const atMs = readDateMs(text);
    return (
      readSpanMs(text) ?? (atMs === undefined || nowMs === undefined ? undefined : atMs - nowMs)
    );
  }
  if (amount < 1e9) return amount * 1_000;
  // Above a thousand million it is a point in time: seconds, or milliseconds, since the Unix epoch.
  const atMs = amount < 1e12 ? amount * 1_000 : amount;
  return nowMs === undefined ? undefined : atMs - nowMs;
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}(?:\.\d{1,9})?$/u.test(text) ? Number(text) : undefined;
}

function readDateMs(text: string | undefined): number | undefined {
  if (text === undefined || !/[a-z]/iu.test(text)) return undefined;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
