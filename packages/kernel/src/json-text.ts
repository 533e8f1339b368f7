import type { Json } from './json.ts';

/**
 * What a JSON text from outside says; throws `SyntaxError` for one that is not JSON. The engine's own parser (V8 12.8 to
 * 14.6 at least, nodejs/node#63785) takes a key with an escape for another one that some earlier text had at the same
 * place, so one tenant could change the keys of another. Objects of a text with such keys are therefore put together here.
 */
export function parseJsonText(text: string): Json {
  // JSON.parse gives JSON values only.
  const value = JSON.parse(text) as Json; // oxlint-disable-line no-restricted-properties -- objects with such keys are read again
  return text.includes('\\') && hasEscapedKey(text) ? createReader(text)() : value;
}

/** Where the string ends that begins before `from`: the place of its closing quote. */
export function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function hasEscapedKey(text: string): boolean {
  let isEscaped = false;
  let escape = text.indexOf('\\');
  // Ends early where no escape is left in the whole text.
  for (let at = 0; escape >= 0 && at < text.length; at += 1) {
    if (text[at] === ':' && isEscaped) return true;
    if (text[at] !== '"') continue;
    const end = endOfString(text, at + 1);
    if (escape < at) escape = text.indexOf('\\', at);
    isEscaped = escape < end;
    at = end;
  }
  return false;
}

/** Reads a text that is known to be JSON, of a depth that the engine could read. Strings and numbers alone are safe with it. */
function createReader(text: string): () => Json {
  const gap = /[\s,:]*/y;
  const word = /[^\s,:\]}]+/y;
  let at = 0;

  function readString(): string {
    const from = at;
    at = endOfString(text, at + 1) + 1;
    // The text between two quotes of JSON.
    return JSON.parse(text.slice(from, at)) as string; // oxlint-disable-line no-restricted-properties
  }

  function readAll<Item>(end: string, readOne: () => Item): readonly Item[] {
    const items: Item[] = [];
    at += 1;
    while (skip() !== end) items.push(readOne());
    at += 1;
    return items;
  }

  /** White space, commas and colons are where they have to be. */
  function skip(): string | undefined {
    gap.lastIndex = at;
    at += gap.exec(text)?.[0].length ?? 0;
    return text[at];
  }

  function read(): Json {
    const start = skip();
    if (start === '"') return readString();
    if (start === '[') return readAll(']', read);
    if (start === '{') return Object.fromEntries(readAll('}', () => [readString(), read()]));
    word.lastIndex = at;
    const token = word.exec(text)?.[0] ?? 'null';
    at += token.length;
    // A number or one of the three words.
    return JSON.parse(token) as Json; // oxlint-disable-line no-restricted-properties
  }

  return read;
}
