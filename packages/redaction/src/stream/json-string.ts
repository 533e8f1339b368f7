import type { RedactionStream } from './redactor.ts';

/** A string of JSON that is being read, between its quotes. */
export interface JsonString {
  readonly isKey: boolean;
  /** Takes one unit; true when it is the closing quote, which is not given out. */
  read(unit: string): boolean;
  /** What can be given out now, as it stands between quotes. */
  give(): string;
  end(): string;
  abort(): string;
  held(): number;
  /** What was read of a key, before redaction; at most its last 4,096 units. */
  text(): string;
}

const keyMax = 4_096;
const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Decodes a string, has it redacted, and encodes it again. */
export function createJsonString(redaction: RedactionStream, isKey: boolean): JsonString {
  // Decoded and not yet handed over; together, because a call for each unit would be slow.
  let decoded = '';
  // The escape that is being read, with its backslash.
  let escape = '';
  let key = '';

  function read(unit: string): boolean {
    if (escape !== '' || unit === '\\') readEscape(unit);
    else if (unit === '"') return true;
    else decoded += unit;
    return false;
  }

  function readEscape(unit: string): void {
    escape += unit;
    const isLong = escape[1] === 'u';
    if (escape.length < (isLong ? 6 : 2)) return;
    const code = isLong ? Number.parseInt(escape.slice(2), 16) : Number.NaN;
    const named = escape.slice(1);
    decoded += Number.isNaN(code) ? (escapes[named] ?? named) : String.fromCharCode(code);
    escape = '';
  }

  function give(): string {
    const text = decoded;
    decoded = '';
    if (isKey) key = (key + text).slice(-keyMax);
    return encode(redaction.push(text));
  }

  return {
    isKey,
    read,
    give,
    end: () => give() + encode(redaction.end()),
    abort: () => give() + encode(redaction.abort()),
    held: () => redaction.held(),
    text: () => key,
  };
}

function encode(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
