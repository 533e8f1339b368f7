import type { Json } from '@modelhost/kernel';

/** Characters of JSON, as UTF-16 codes. */
export const jsonCode = {
  quote: 0x22,
  colon: 0x3a,
  backslash: 0x5c,
  openBracket: 0x5b,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

const { quote, colon, backslash, openBracket, openBrace } = jsonCode;

/**
 * What a JSON text says; undefined for one that is not JSON. The engine's own parser (V8 12.8 to 14.6 at least,
 * nodejs/node#63785) takes a key with an escape for another one that some earlier text had at the same place, so one
 * tenant could change the keys of another. Objects of a text with such keys are therefore put together here.
 */
export function parseJsonText(text: string): Json | undefined {
  let value: Json;
  try {
    // JSON.parse gives JSON values only.
    value = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  return text.includes('\\') && hasEscapedKey(text) ? createReader(text)() : value;
}

/** Where the string ends that begins before `from`: the place of its closing quote. */
export function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quote) return at;
    at += code === backslash ? 2 : 1;
  }
  return at;
}

function hasEscapedKey(text: string): boolean {
  let isEscaped = false;
  let escape = text.indexOf('\\');
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = endOfString(text, at + 1);
      if (escape < at) escape = text.indexOf('\\', at);
      // No escape is left in the whole text.
      if (escape < 0) return false;
      isEscaped = escape < end;
      at = end;
    } else if (code === colon && isEscaped) {
      return true;
    }
  }
  return false;
}

/** Reads a text that is known to be JSON, of bounded depth. Strings and numbers alone are safe with the engine. */
function createReader(text: string): () => Json {
  const token = /[^\s,:\]}]+/y;
  let at = 0;

  function skip(): number {
    // White space, commas and colons, which are where they have to be.
    while (/[\s,:]/.test(text[at] ?? '')) at += 1;
    return text.charCodeAt(at);
  }

  function readString(): string {
    const from = at;
    at = endOfString(text, at + 1) + 1;
    // The text between two quotes of JSON.
    return JSON.parse(text.slice(from, at)) as string;
  }

  function readItems(end: number, readItem: () => void): void {
    at += 1;
    while (skip() !== end) readItem();
    at += 1;
  }

  function read(): Json {
    const code = skip();
    if (code === quote) return readString();
    if (code === openBracket) {
      const items: Json[] = [];
      readItems(jsonCode.closeBracket, () => items.push(read()));
      return items;
    }
    if (code === openBrace) {
      const members: (readonly [string, Json])[] = [];
      readItems(jsonCode.closeBrace, () => members.push([readString(), read()]));
      return Object.fromEntries(members);
    }
    token.lastIndex = at;
    const word = token.exec(text)?.[0] ?? 'null';
    at += word.length;
    // A number or one of the three words.
    return JSON.parse(word) as Json;
  }

  return read;
}
