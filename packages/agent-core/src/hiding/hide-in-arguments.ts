import { canonicalJson, isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Json, RedactionStyles, StepRedactor } from '@modelhost/kernel';

/** Strings and numbers of JSON text; a string with a colon after it is the name of a member. */
const token = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*/gs;
/** Without it, every number is what is written. */
const longNumber = /\d{16}|\d\.\d|\d[eE]/;
/** Escapes of JSON and of what is like it, however often they were escaped themselves. */
const escapes = /\\+(?:u\{([\da-f]{1,6})\}|u([\da-f]{4})|x([\da-f]{2})|([bfnrt])|(["'\\/]))/gi;
const controls: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/**
 * Arguments as the model wrote them, if nothing in them is to be hidden; else JSON again. Of a name that stands there twice
 * only the last value is kept, and what is no JSON is looked at as whoever reads its escapes would see it.
 */
export function hideInArguments(
  text: string,
  redactor: StepRedactor,
  styles: RedactionStyles,
): string {
  if (!redactor.hides(styles)) return text;
  const given = readJson(text);
  if (given === undefined) return hideInBroken(text, redactor, styles);
  const checked = hideInNumbers(text, redactor, styles);
  const parsed = checked === text ? given : (readJson(checked) ?? null);
  const written = JSON.stringify(redactor.redactJson(parsed, styles));
  const isAsWritten =
    written === JSON.stringify(given) &&
    !repeatsName(text, given) &&
    redactor.redact(text, styles) === text;
  return isAsWritten ? text : written;
}

/** Whether a name stands twice in one object of the text of this value: then there is more in the text than in the value. */
export function repeatsName(text: string, value: Json): boolean {
  let written = 0;
  for (const [, , colon] of text.matchAll(token)) if (colon !== undefined) written += 1;
  return written > membersIn(value);
}

function membersIn(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  const items = Object.values<Json>(value);
  const own = isJsonObject(value) ? items.length : 0;
  return items.reduce<number>((sum, item) => sum + membersIn(item), own);
}

/** JSON text in which numbers that are more than a number can hold are strings, where something in them is hidden. */
function hideInNumbers(text: string, redactor: StepRedactor, styles: RedactionStyles): string {
  if (!longNumber.test(text)) return text;
  let name = '';
  return text.replaceAll(token, (found: string, string?: string, colon?: string) => {
    if (colon !== undefined && string !== undefined) name = string;
    if (string !== undefined || found === String(Number(found))) return found;
    // The digits say the same with a point and an exponent.
    for (const digits of [found, found.replace(/[eE].*$/s, '').replaceAll(/\D/g, '')]) {
      const hidden = redactor.redactJson({ [nameOf(name)]: digits }, styles);
      const [shown = digits] = isJsonObject(hidden) ? Object.values<Json>(hidden) : [];
      if (shown !== digits) return JSON.stringify(shown);
    }
    return found;
  });
}

function nameOf(text: string): string {
  const name = readJson(text);
  return typeof name === 'string' ? name : '';
}

function hideInBroken(text: string, redactor: StepRedactor, styles: RedactionStyles): string {
  const hidden = redactor.redact(text, styles);
  const plain = hidden.replaceAll(escapes, unescape);
  if (plain === hidden) return hidden;
  const safe = redactor.redact(plain, styles);
  return safe === plain ? hidden : JSON.stringify(safe);
}

function unescape(
  found: string,
  point?: string,
  unit?: string,
  byte?: string,
  control?: string,
  sign?: string,
): string {
  const code = Number.parseInt(point ?? unit ?? byte ?? '', 16);
  if (code <= 0x10ffff) return String.fromCodePoint(code);
  return controls[control?.toLowerCase() ?? ''] ?? sign ?? found;
}

/** Undefined for what is no JSON, or nested deeper than anything that is meant. */
function readJson(text: string): Json | undefined {
  try {
    const value = parseJsonText(text);
    canonicalJson(value);
    return value;
  } catch {
    return undefined;
  }
}
