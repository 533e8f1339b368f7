import { hash } from 'node:crypto';

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A JSON object with own, enumerable keys only. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Whether a parsed JSON value is an object (not null, not an array). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Canonical JSON text: keys sorted by UTF-16 code units, no white space (RFC 8785 for values that came from `JSON.parse`).
 * Throws `RangeError` past 64 levels, so that no input can exhaust the stack.
 */
export function canonicalJson(value: Json, depthMax = 64): string {
  if (depthMax < 0) throw new RangeError('JSON is nested too deeply');
  if (Array.isArray(value))
    return `[${value.map((item: Json) => canonicalJson(item, depthMax - 1)).join(',')}]`;
  if (isJsonObject(value)) {
    const members = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null, depthMax - 1)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}

/** SHA-256 of a UTF-8 text, in lower-case hex (64 characters). */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex');
}
