import { isUtf8 } from 'node:buffer';
import { endOfString, isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { isJsonArray } from '../../json-array.ts';
import { hasCaseVariant } from './protocol-members.ts';

/** Bounds of one message. */
export interface StrictJsonBounds {
  readonly bytesMax: number;
  /** Levels of objects and arrays within each other. */
  readonly depthMax: number;
}

/** A message that every JSON parser reads alike, or why it is refused. `reason` is ours and names no value. */
export type StrictJson =
  | { readonly kind: 'message'; readonly message: JsonObject }
  | { readonly kind: 'refused'; readonly code: number; readonly reason: string };

const parseError = -32_700;
const invalidRequest = -32_600;

// Characters of JSON, as UTF-16 codes.
const quote = 0x22;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const tooDeep = -1;
/** What {@link countMembers} answers instead of a number. */
const faults: Readonly<Record<number, string>> = {
  [-1]: 'the key __proto__ is refused',
  [-2]: 'the key constructor with an object is refused',
  [-3]: 'a number is beyond the range of JSON numbers',
};

function readJson(text: string): Json | undefined {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads one JSON-RPC message such that no other parser can see another one in it: valid UTF-8, no key twice in an object,
 * no `__proto__`, no key that is a protocol member in other letters (`Name`, `METHOD`), no batch. A message is decided
 * on and forwarded as the object that this gives, never as its bytes.
 */
export function readStrictJson(bytes: Uint8Array, bounds: StrictJsonBounds): StrictJson {
  if (bytes.length > bounds.bytesMax) {
    return refused(invalidRequest, `a message has at most ${bounds.bytesMax} bytes`);
  }
  if (!isUtf8(bytes)) return refused(parseError, 'a message is UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  const membersInText = countMembersInText(text, bounds.depthMax);
  if (membersInText === tooDeep) {
    return refused(invalidRequest, `a message has at most ${bounds.depthMax} levels`);
  }
  const value = readJson(text);
  if (value === undefined) return refused(parseError, 'a message is JSON');
  if (Array.isArray(value))
    return refused(invalidRequest, 'batches are not taken; send one message');
  if (!isJsonObject(value)) return refused(invalidRequest, 'a message is a JSON object');
  const members = countMembers(value);
  if (members < 0) return refused(invalidRequest, faults[members] ?? '');
  // Each member has one colon outside of strings. A key that came twice left one member in the object.
  if (members !== membersInText) return refused(invalidRequest, 'a key comes twice in an object');
  if (hasCaseVariant(value)) {
    return refused(invalidRequest, 'a member of the protocol is written in other letters');
  }
  return { kind: 'message', message: value };
}

function refused(code: number, reason: string): StrictJson {
  return { kind: 'refused', code, reason };
}

/** Counts the colons outside of strings, before anything is built from the text. */
function countMembersInText(text: string, depthMax: number): number {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfString(text, at + 1);
    } else if (code === colon) {
      members += 1;
    } else if (code === openBrace || code === openBracket) {
      depth += 1;
      if (depth > depthMax) return tooDeep;
    } else if (code === closeBrace || code === closeBracket) {
      depth -= 1;
    }
  }
  return members;
}

/** Counts the members of all objects in a value of bounded depth; negative for one of the {@link faults}. */
function countMembers(value: Json): number {
  if (typeof value === 'number') return Number.isFinite(value) ? 0 : -3;
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (isJsonArray(value)) {
    for (const item of value) {
      const inside = countMembers(item);
      if (inside < 0) return inside;
      members += inside;
    }
    return members;
  }
  for (const key in value) {
    if (key === '__proto__') return -1;
    const member = value[key] ?? null;
    if (key === 'constructor' && typeof member === 'object' && member !== null) return -2;
    const inside = countMembers(member);
    if (inside < 0) return inside;
    members += 1 + inside;
  }
  return members;
}
