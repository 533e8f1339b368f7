import { canonicalJson, parseJsonText, type Json } from '@modelhost/kernel';
import { readText } from './envelope.ts';
import { accept, refuse, type Reading } from './refusals.ts';

/** Deeper than any payload goes. */
const depthMax = 16;

/**
 * Reads a payload that has to be in its one canonical form, byte by byte: so a key that stands twice, a number that would
 * be rounded and text that was put in between are all refused, and equal content has an equal digest.
 */
export function readCanonical(payload: Uint8Array): Reading<Json> {
  const text = readText(payload);
  const value = text === undefined ? undefined : parse(text);
  if (value === undefined) {
    return refuse('payload-not-json', 'payload: is not JSON in UTF-8; build it again');
  }
  return isCanonical(value, text)
    ? accept(value)
    : refuse('payload-not-canonical', 'payload: is not canonical JSON (RFC 8785); build it again');
}

function parse(text: string): Json | undefined {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}

function isCanonical(value: Json, text: string | undefined): boolean {
  try {
    return canonicalJson(value, depthMax) === text;
  } catch {
    return false;
  }
}
