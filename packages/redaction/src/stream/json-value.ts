import { HostError, isJsonObject, type Json } from '@modelhost/kernel';
import { digitsOf, isLuhn } from '../personal/checksums.ts';
import type { Finding } from '../finding.ts';
import type { Redacted, Redactor } from './redactor.ts';

/** Is told of each finding in a value, with places in that value alone. */
export type OnFinding = (finding: Finding) => void;

/** How deep a value may be. */
export const depthMax = 512;

const keyLengthMax = 128;

/**
 * Hides what is found in every string, key and number of a JSON value; each is looked at together with the key that it
 * stands under. A number in which something is found becomes a string.
 */
export function redactJson(redactor: Redactor, value: Json, onFinding: OnFinding = ignore): Json {
  return redactUnder('', value, 0);

  function redactUnder(key: string, at: Json, depth: number): Json {
    if (typeof at === 'string') {
      return redactor.redact(at, { before: beforeString(key), onFinding }).text;
    }
    if (typeof at === 'number') return redactNumber(redactor, key, at, onFinding);
    if (typeof at === 'boolean' || at === null) return at;
    if (depth >= depthMax) throw tooDeep();
    if (!isJsonObject(at)) return at.map((item: Json) => redactUnder(key, item, depth + 1));
    // Two keys may become one; then the later value stays, as where the text is parsed after it was redacted.
    return Object.fromEntries(
      Object.entries(at).map(([name, item]) => [
        redactor.redact(name, { onFinding }).text,
        redactUnder(name, item, depth + 1),
      ]),
    );
  }
}

/**
 * The number, or a string when something was found in it. A whole number that is more than a number can hold has lost its last digits, so it
 * is hidden where it may have been a card before.
 */
export function redactNumber(
  redactor: Redactor,
  key: string,
  value: number,
  onFinding: OnFinding,
): string | number {
  const before = key === '' ? '' : `${quoted(key)}: `;
  const redact = (written: string): Redacted => redactor.redact(written, { before, onFinding });
  const { text, findings } = redact(String(value));
  if (findings.length > 0) return text;
  if (!hasLostDigits(value)) return value;
  const guess = redact(withCheckDigit(String(value)));
  return guess.findings.length > 0 ? guess.text : value;
}

/** Whether a number of as many digits as a card has is not all of what was written. */
function hasLostDigits(value: number): boolean {
  const size = Math.abs(value);
  return size >= 1e16 && size < 1e19;
}

/** The one number of these digits, but for the last, that passes the check of cards. */
function withCheckDigit(digits: string): string {
  const body = digits.slice(0, -1);
  const check = Array.from('0123456789').find((digit) => isLuhn(digitsOf(body + digit)));
  return body + (check ?? '');
}

/** What stands before a string under this key. */
export function beforeString(key: string): string {
  return key === '' ? '' : `${quoted(key)}: "`;
}

/** The text is nested deeper than anything that is meant. */
export function tooDeep(): HostError {
  return new HostError(
    'validation_failed',
    `JSON nested deeper than ${depthMax}; send a flatter value`,
  );
}

/** Does nothing with a finding. */
export function ignore(): void {}

function quoted(key: string): string {
  return `"${key.slice(-keyLengthMax)}"`;
}
