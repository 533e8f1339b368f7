import { createJsonString, type JsonString } from './json-string.ts';
import {
  beforeString,
  depthMax,
  ignore,
  redactNumber,
  tooDeep,
  type OnFinding,
} from './json-value.ts';
import type { RedactionStream, Redactor } from './redactor.ts';

/**
 * Redacts a JSON text that comes in pieces, such as the deltas of a tool's arguments: what it gives out parses to what
 * `redactJson` makes of the parsed whole. Text that is no JSON is redacted as text. A value that is nested deeper than 512
 * is refused.
 */
export function createJsonRedaction(
  redactor: Redactor,
  onFinding: OnFinding = ignore,
): RedactionStream {
  const place = createPlace();
  let open: JsonString | undefined;
  // Anything that is neither a string nor punctuation.
  let bare = '';

  function push(text: string): string {
    let redacted = '';
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charAt(at);
      if (open === undefined) redacted += readOutside(unit);
      else if (open.read(unit)) redacted += endString(open);
    }
    return open === undefined ? redacted : redacted + open.give();
  }

  function readOutside(unit: string): string {
    if (unit === '"') return endBare() + startString();
    if (punctuation.test(unit)) {
      const text = endBare();
      place.read(unit);
      return text + unit;
    }
    bare += unit;
    return bare.length < bareMax ? '' : endBare();
  }

  function startString(): string {
    const isKey = place.isKeyExpected();
    const before = isKey ? '' : beforeString(place.key());
    open = createJsonString(redactor.stream({ before, onFinding }), isKey);
    return '"';
  }

  function endString(string: JsonString): string {
    const rest = `${string.end()}"`;
    if (string.isKey) place.setKey(string.text());
    open = undefined;
    return rest;
  }

  function endBare(): string {
    const text = bare;
    bare = '';
    if (text === '' || text === 'true' || text === 'false' || text === 'null') return text;
    if (!number.test(text)) {
      return redactor.redact(text, { before: beforeString(place.key()), onFinding }).text;
    }
    const redacted = redactNumber(redactor, place.key(), Number(text), onFinding);
    return typeof redacted === 'number' ? text : JSON.stringify(redacted);
  }

  function abort(): string {
    bare = '';
    return open?.abort() ?? '';
  }

  const end = (): string => open?.end() ?? endBare();
  const held = (): number => bare.length + (open?.held() ?? 0);
  return { push, end, abort, held };
}

const bareMax = 1_024;
const punctuation = /[{}[\],:\s]/;
const number = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Where in a value the reader is. */
interface Place {
  read(punctuation: string): void;
  isKeyExpected(): boolean;
  /** The key that the next value stands under; an array's items stand under that of the array. */
  key(): string;
  setKey(key: string): void;
}

function createPlace(): Place {
  const containers: { readonly isObject: boolean; key: string; expectsKey: boolean }[] = [];

  function read(unit: string): void {
    const top = containers.at(-1);
    if (unit === '{' || unit === '[') {
      if (containers.length >= depthMax) throw tooDeep();
      const isObject = unit === '{';
      containers.push({ isObject, key: top?.key ?? '', expectsKey: isObject });
    } else if (unit === '}' || unit === ']') {
      containers.pop();
    } else if (top !== undefined && (unit === ',' || unit === ':')) {
      top.expectsKey = top.isObject && unit === ',';
    }
  }

  function setKey(key: string): void {
    const top = containers.at(-1);
    if (top !== undefined) top.key = key;
  }

  return {
    read,
    isKeyExpected: () => containers.at(-1)?.expectsKey ?? false,
    key: () => containers.at(-1)?.key ?? '',
    setKey,
  };
}
