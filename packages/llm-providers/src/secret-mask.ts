const windowLength = 8;
const secretLengthMin = 4;
const affixLength = 3;
const masked = '[redacted]';

// Shapes of keys that are in use, so that a key of somebody else is not shown either.
const keyShapes =
  /\b(?:sk|pk|rk|gsk|xai|hf|r8|nvapi|csk|pplx|fw)[-_][\w\-*.…]{4,}|\bAIza[\w\-*.…]{4,}|[\w-]*[*•]{3,}[\w-]*/gu;

/**
 * Returns a function that takes secrets out of a text: whole, every part of eight characters or more, and shortened
 * forms such as `abc…xyz`. A value under four characters cannot be told from plain text and is left.
 */
export function createSecretMask(secrets: readonly string[]): (text: string) => string {
  const kept = secrets.filter((secret) => secret.length >= secretLengthMin);
  const short = kept.filter((secret) => secret.length < windowLength);
  const windows = new Set<string>();
  for (const secret of kept) {
    for (let at = 0; at + windowLength <= secret.length; at += 1) {
      windows.add(secret.slice(at, at + windowLength));
    }
  }
  const shortened = kept.flatMap((secret) => shortenedForms(secret));

  return (text) => {
    let result = maskWindows(text, windows);
    for (const secret of short) result = result.replaceAll(secret, masked);
    for (const form of shortened) result = result.replaceAll(form, masked);
    return result.replaceAll(keyShapes, masked);
  };
}

/** Providers show the two ends of a key with dots or stars between, which its own ends give away. */
function shortenedForms(secret: string): readonly RegExp[] {
  const head = RegExp.escape(secret.slice(0, affixLength));
  const tail = RegExp.escape(secret.slice(-affixLength));
  return [
    new RegExp(`${head}[\\w-]{0,8}(?:[*•…]|\\.{2,})[\\w.*•…-]*`, 'gu'),
    new RegExp(`[\\w.*•…-]*(?:[*•…]|\\.{2,})[\\w-]{0,8}${tail}`, 'gu'),
  ];
}

function maskWindows(text: string, windows: ReadonlySet<string>): string {
  let result = '';
  let copied = 0;
  let at = 0;
  while (at + windowLength <= text.length) {
    if (!windows.has(text.slice(at, at + windowLength))) {
      at += 1;
      continue;
    }
    let end = at + windowLength;
    while (end < text.length && windows.has(text.slice(end - windowLength + 1, end + 1))) end += 1;
    result += text.slice(copied, at) + masked;
    copied = end;
    at = end;
  }
  return result + text.slice(copied);
}
