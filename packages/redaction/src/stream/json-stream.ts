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
 * `redactJson` makes of the parsed whole. From where a text is no JSON it is redacted as text. A value that is nested deeper than 512
 * is refused.
 */
export function createJsonRedaction(
  redactor: Redactor,
  onFinding: OnFinding = ignore,
): RedactionStream {
  const place = createPlace();
  let open: JsonString | undefined;
  // Anything that is neither a string nor punctuation, with the white space behind it.
  let bare = '';
  // From where it turned out to be no JSON.
  let plain: RedactionStream | undefined;

  function push(text: string): string {
    let redacted = '';
    for (let at = 0; at < text.length; at += 1) {
      if (plain !== undefined) return redacted + plain.push(text.slice(at));
      const unit = text.charAt(at);
      if (open === undefined) redacted += readOutside(unit);
      else if (open.read(unit)) redacted += endString(open);
    }
    return open === undefined ? redacted : redacted + open.give();
  }

  function readOutside(unit: string): string {
    if (space.test(unit) && bare === '') return unit;
    if (unit === '"') return bare === '' && place.mayStart() ? startString() : goPlain(unit);
    if (punctuation.test(unit)) return readPunctuation(unit);
    if (!mayHold(bare, unit, place)) return goPlain(unit);
    bare += unit;
    return '';
  }

  function readPunctuation(unit: string): string {
    const isValue = bare !== '';
    if ((isValue && !isLiteral(bare)) || !place.mayRead(unit, isValue)) return goPlain(unit);
    const text = endBare();
    place.read(unit);
    return text + unit;
  }

  /** All the rest is text; what is held back is looked at with it. */
  function goPlain(unit: string): string {
    const text = bare + unit;
    bare = '';
    plain = redactor.stream({ before: beforeString(place.key()), onFinding });
    return plain.push(text);
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
    place.endValue();
    open = undefined;
    return rest;
  }

  function endBare(): string {
    const text = bare;
    bare = '';
    if (text !== '') place.endValue();
    return redactBare(redactor, place.key(), text, onFinding);
  }

  function end(): string {
    if (plain === undefined && bare !== '' && !isLiteral(bare)) return goPlain('') + end();
    return plain?.end() ?? open?.end() ?? endBare();
  }

  function abort(): string {
    bare = '';
    return plain?.abort() ?? open?.abort() ?? '';
  }

  const held = (): number => bare.length + (plain?.held() ?? open?.held() ?? 0);
  return { push, end, abort, held };
}

const bareMax = 1_024;
const punctuation = /[{}[\],:]/;
const space = /[ \t\r\n]/;
const number = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function redactBare(redactor: Redactor, key: string, bare: string, onFinding: OnFinding): string {
  const text = bare.trimEnd();
  if (!number.test(text)) return bare;
  const redacted = redactNumber(redactor, key, Number(text), onFinding);
  return (typeof redacted === 'number' ? text : JSON.stringify(redacted)) + bare.slice(text.length);
}

function isLiteral(bare: string): boolean {
  const text = bare.trimEnd();
  return text === 'true' || text === 'false' || text === 'null' || number.test(text);
}

/** A value may begin or go on, and white space may follow it. */
function mayHold(bare: string, unit: string, place: Place): boolean {
  if (bare === '') return place.mayStart() && !place.isKeyExpected();
  return bare.length < bareMax && (space.test(unit) || !space.test(bare.slice(-1)));
}

/** Where in a value the reader is. */
interface Place {
  read(punctuation: string): void;
  /** Whether the punctuation may stand here; `isBehindValue` if a value is being read. */
  mayRead(punctuation: string, isBehindValue: boolean): boolean;
  /** Whether a key or a value may begin here. */
  mayStart(): boolean;
  /** A key or a value is over. */
  endValue(): void;
  isKeyExpected(): boolean;
  /** The key that the next value stands under; an array's items stand under that of the array. */
  key(): string;
  setKey(key: string): void;
}

interface Container {
  readonly isObject: boolean;
  key: string;
  expectsKey: boolean;
  /** Something stands here already that nothing but punctuation may follow. */
  isFull: boolean;
}

function createPlace(): Place {
  const containers: Container[] = [];

  function read(unit: string): void {
    const top = containers.at(-1);
    if (unit === '{' || unit === '[') {
      if (containers.length >= depthMax) throw tooDeep();
      const isObject = unit === '{';
      containers.push({ isObject, key: top?.key ?? '', expectsKey: isObject, isFull: false });
    } else if (unit === '}' || unit === ']') {
      containers.pop();
      endValue();
    } else if (top !== undefined) {
      top.expectsKey = top.isObject && unit === ',';
      top.isFull = false;
    }
  }

  function mayRead(unit: string, isBehindValue: boolean): boolean {
    const top = containers.at(-1);
    const isFull = isBehindValue || top?.isFull === true;
    if (unit === '{' || unit === '[') return !isFull && top?.expectsKey !== true;
    if (top === undefined) return false;
    if (unit === '}') return top.isObject;
    if (unit === ']') return !top.isObject;
    return isFull && (unit === ',' || top.expectsKey);
  }

  function endValue(): void {
    const top = containers.at(-1);
    if (top !== undefined) top.isFull = true;
  }

  function setKey(key: string): void {
    const top = containers.at(-1);
    if (top !== undefined) top.key = key;
  }

  return {
    read,
    mayRead,
    endValue,
    mayStart: () => containers.at(-1)?.isFull !== true,
    isKeyExpected: () => containers.at(-1)?.expectsKey ?? false,
    key: () => containers.at(-1)?.key ?? '',
    setKey,
  };
}
